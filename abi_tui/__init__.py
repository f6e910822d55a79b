"""What people touch: views, the command line, the dashboard, the demo."""

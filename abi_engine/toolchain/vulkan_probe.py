"""Asks the Vulkan loader for its devices and writes the answer as JSON on stdout.

Run by `vulkan.look` in a process of its own: `python -m abi_engine.toolchain.vulkan_probe`. Refuses
to create a device: it asks for names only.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import msgspec

from abi_engine.toolchain.vulkan import Device, Vulkan

LIBRARIES = ("libvulkan.so.1", "libvulkan.1.dylib")
KINDS = ("other", "integrated", "discrete", "virtual", "cpu")
CREATE_INSTANCE = 1  # VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
PORTABILITY = 1  # VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR, what macOS needs
PORTABILITY_EXTENSION = b"VK_KHR_portability_enumeration"
NO_DRIVER = -9  # VK_ERROR_INCOMPATIBLE_DRIVER
NO_EXTENSION = -7  # VK_ERROR_EXTENSION_NOT_PRESENT


class InstanceCreateInfo(ctypes.Structure):
    """`VkInstanceCreateInfo`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.POINTER(ctypes.c_char_p)),
    )


class DeviceProperties(ctypes.Structure):
    """The beginning of `VkPhysicalDeviceProperties`, and room for its rest (824 bytes in all)."""

    _fields_ = (
        ("api", ctypes.c_uint32),
        ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("kind", ctypes.c_int),
        ("name", ctypes.c_char * 256),
        ("rest", ctypes.c_uint64 * 128),
    )


def probe() -> Vulkan:
    """The loader and the devices of this machine."""
    library = _load()
    if library is None:
        return Vulkan(trouble="no Vulkan loader (libvulkan.so.1)")
    version = ctypes.c_uint32()
    library.vkEnumerateInstanceVersion(ctypes.byref(version))
    loader = _version(version.value)
    instance = ctypes.c_void_p()
    result = _create(library, instance)
    if result == NO_DRIVER:
        return Vulkan(loader, trouble="the loader found no driver")
    if result:
        return Vulkan(loader, trouble=f"vkCreateInstance failed with {result}")
    devices = _devices(library, instance)
    library.vkDestroyInstance(instance, None)
    return Vulkan(loader, devices, "" if devices else "the drivers offer no device")


def _load() -> Any:
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _create(library: Any, instance: ctypes.c_void_p) -> int:
    extensions = (ctypes.c_char_p * 1)(PORTABILITY_EXTENSION)
    portable = InstanceCreateInfo(CREATE_INSTANCE, None, PORTABILITY, None, 0, None, 1, extensions)
    plain = InstanceCreateInfo(CREATE_INSTANCE, None, 0, None, 0, None, 0, None)
    result = int(library.vkCreateInstance(ctypes.byref(portable), None, ctypes.byref(instance)))
    if result == NO_EXTENSION:
        result = int(library.vkCreateInstance(ctypes.byref(plain), None, ctypes.byref(instance)))
    return result


def _devices(library: Any, instance: ctypes.c_void_p) -> tuple[Device, ...]:
    count = ctypes.c_uint32()
    library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    handles = (ctypes.c_void_p * count.value)()
    library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    return tuple(_device(library, handle) for handle in handles[: count.value])


def _device(library: Any, handle: int | None) -> Device:
    facts = DeviceProperties()
    library.vkGetPhysicalDeviceProperties(ctypes.c_void_p(handle), ctypes.byref(facts))
    kind = KINDS[facts.kind] if 0 <= facts.kind < len(KINDS) else KINDS[0]
    return Device(facts.name.decode(errors="replace"), kind, _version(facts.api))


def _version(packed: int) -> str:
    return f"{packed >> 22 & 0x7F}.{packed >> 12 & 0x3FF}.{packed & 0xFFF}"


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(probe()))

"""A build backend (PEP 517) of the standard library alone, so that `pip install ./bindings/python`
needs no network: it zips the package, and the shared library of a built tree beside it.

The library is SPARROW_LIBRARY, or build/libsparrow.so of this repository. The wheel runs under any
Python 3, and on this platform only.
"""

import base64
import configparser
import hashlib
import os
import pathlib
import re
import sys
import sysconfig
import zipfile

_HERE = pathlib.Path.cwd()  # a backend is called in the folder of its pyproject.toml


def _config():
    parser = configparser.ConfigParser()
    parser.read(_HERE / "wheel.ini", encoding="utf-8")
    return parser["wheel"]


def _version(package):
    text = (_HERE / package / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


def _library():
    name = "libsparrow.dylib" if sys.platform == "darwin" else "libsparrow.so"
    path = pathlib.Path(os.environ.get("SPARROW_LIBRARY") or _HERE.parents[1] / "build" / name)
    if not path.exists():
        raise SystemExit(f"{path} is not there: build it (target sparrow_shared), or name it in SPARROW_LIBRARY")
    return name, path.read_bytes()


def _write_wheel(folder, config, files):
    """`files`: bytes by their path in the wheel; the metadata is added."""
    name, version = config["name"].replace("-", "_"), _version(config["package"])
    platform = "any"
    if config.getboolean("has_library"):
        platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {config['name']}\nVersion: {version}\nSummary: {config['summary']}\n"
    metadata += "License: Apache-2.0\nRequires-Python: >=3.9\n"
    for requirement in config.get("requires", "").split():
        metadata += f"Requires-Dist: {requirement}\n"
    readme = (_HERE / "README.md").read_text(encoding="utf-8")
    metadata += f"Description-Content-Type: text/markdown\n\n{readme}"
    is_pure = "true" if platform == "any" else "false"
    wheel = f"Wheel-Version: 1.0\nGenerator: sparrow\nRoot-Is-Purelib: {is_pure}\nTag: py3-none-{platform}\n"
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = wheel.encode()
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    filename = f"{name}-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / filename, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)  # of 1980, so that the same files give the same wheel
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return filename


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517."""
    config = _config()
    package = _HERE / config["package"]
    found = [*package.rglob("*.py"), *package.rglob("py.typed")]
    files = {path.relative_to(_HERE).as_posix(): path.read_bytes() for path in sorted(found)}
    if config.getboolean("has_library"):
        name, data = _library()
        files[f"{config['package']}/{name}"] = data
    return _write_wheel(wheel_directory, config, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 660: the package stays here, and finds the library of the built tree."""
    config = _config()
    return _write_wheel(wheel_directory, config, {f"_{config['package']}.pth": f"{_HERE}\n".encode()})


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517 wants it; the package is built from the repository only."""
    raise NotImplementedError("there is no source distribution: the library is built from the repository")

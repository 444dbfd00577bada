"""Which distribution a text means, as os-release's ID-VERSION_ID; "" wherever that is not certain.  Pure."""

from __future__ import annotations

import re

# What /etc/os-release calls itself (PRETTY_NAME), which engines, kubelets and metrics repeat.
_PRETTY = (
    (r"Debian GNU/Linux (\d+)\b", "debian-{}"),
    (r"Ubuntu (?:Core )?(\d\d\.\d\d)\b", "ubuntu-{}"),
    (r"CentOS (?:Linux|Stream) (\d+)\b", "centos-{}"),
    (r"Rocky Linux (\d+(?:\.\d+)?)\b", "rocky-{}"),
    (r"AlmaLinux (?:OS )?(\d+(?:\.\d+)?)\b", "almalinux-{}"),
    (r"Red Hat Enterprise Linux (?:Server |CoreOS )?(\d{1,2}(?:\.\d+)?)(?![\d.])", "rhel-{}"),
    (r"Oracle Linux (?:Server )?(\d+(?:\.\d+)?)\b", "ol-{}"),
    (r"Fedora (?:Linux|CoreOS|release)?\s*(\d+)\b", "fedora-{}"),
    (r"Amazon Linux (?:release )?(2023|2022|2)\b", "amzn-{}"),
    (r"Amazon Linux AMI (\d{4}\.\d\d)\b", "amzn-{}"),
    (r"openSUSE Leap (\d+\.\d+)\b", "opensuse-leap-{}"),
    (r"openSUSE Tumbleweed\b", "opensuse-tumbleweed"),
    (r"SUSE Linux Enterprise Micro (\d+\.\d+)\b", "sle-micro-{}"),
    (r"SUSE Linux Micro (\d+\.\d+)\b", "sl-micro-{}"),
    (r"openSUSE Leap Micro (\d+\.\d+)\b", "opensuse-leap-micro-{}"),
    (r"openSUSE MicroOS\b", "opensuse-microos"),
    (r"SUSE Linux Enterprise (?:Server|Micro|High Performance Computing) (\d+) SP(\d+)\b", "sles-{}.{}"),
    (r"SUSE Linux Enterprise Server (\d+)\s*(?:\(|$)", "sles-{}"),
    (r"SUSE Linux Enterprise Server (\d+\.\d+)\b", "sles-{}"),
    (r"Alpine Linux v(\d+\.\d+)\b(?!.*containerized)", "alpine-{}"),
    (r"Raspbian GNU/Linux (\d+)\b", "raspbian-{}"),
    (r"(?:Microsoft )?Azure Linux (\d+\.\d+)\b", "azurelinux-{}"),
    (r"(?:Common Base Linux Mariner|CBL-Mariner(?:/Linux)?) (\d+\.\d+)\b", "mariner-{}"),
    (r"(?:VMware )?Photon(?: OS)?(?:/Linux)? (\d+\.\d+)\b", "photon-{}"),
    (r"Bottlerocket OS (\d+\.\d+\.\d+)\b", "bottlerocket-{}"),
    (r"Flatcar Container Linux(?: by Kinvolk)? (\d+\.\d+\.\d+)\b", "flatcar-{}"),
    (r"NixOS (\d\d\.\d\d)\b", "nixos-{}"),
    (r"Mageia (\d+)\b", "mageia-{}"),
    (r"(?:balena|resin)OS (\d+\.\d+\.\d+)", "balenaos-{}"),
    # Systems whose own builds carry their own numbers, and whose name may come without a version
    (r"(?:Microsoft )?Azure Linux\b", "azurelinux"),
    (r"(?:Common Base Linux Mariner|CBL-Mariner)\b", "mariner"),
    (r"(?:VMware )?Photon\b", "photon"),
    (r"Bottlerocket\b", "bottlerocket"),
    (r"Flatcar\b", "flatcar"),
    (r"NixOS\b", "nixos"),
    (r"Gentoo\b", "gentoo"),
    (r"Wolfi\b", "wolfi"),
    (r"Mageia\b", "mageia"),
    (r"Arch Linux\b", "arch"),
    (r"(?:Manjaro|EndeavourOS|Garuda)\b", "arch"),
    (r"Container-Optimized OS from Google\b", "cos"),
    (r"Talos\b", "talos"),
    (r"(?:balena|resin)OS\b", "balenaos"),
    (r"(?:Microsoft )?Windows\b", "windows"),
)
# What Ansible and osquery call a distribution -> os-release's ID, and how many of the version's numbers are its own.
_NAMES = {
    "debian": ("debian", 1),
    "ubuntu": ("ubuntu", 2),
    "raspbian": ("raspbian", 1),
    "centos": ("centos", 1),
    "redhat": ("rhel", 2),
    "rhel": ("rhel", 2),
    "rocky": ("rocky", 2),
    "almalinux": ("almalinux", 2),
    "alma": ("almalinux", 2),
    "oraclelinux": ("ol", 2),
    "ol": ("ol", 2),
    "oracle": ("ol", 2),
    "fedora": ("fedora", 1),
    "amazon": ("amzn", 1),
    "amzn": ("amzn", 1),
    "sles": ("sles", 2),
    "suse": ("sles", 2),
    "suse linux enterprise server": ("sles", 2),
    "opensuse.leap": ("opensuse-leap", 2),
    "opensuse leap": ("opensuse-leap", 2),
    "opensuse-leap": ("opensuse-leap", 2),
    "opensuse tumbleweed": ("opensuse-tumbleweed", 0),
    "opensuse-tumbleweed": ("opensuse-tumbleweed", 0),
    "sle-micro": ("sle-micro", 2),
    "sl-micro": ("sl-micro", 2),
    "opensuse-leap-micro": ("opensuse-leap-micro", 2),
    "opensuse-microos": ("opensuse-microos", 0),
    "alpine": ("alpine", 2),
    "photon": ("photon", 2),
    "azurelinux": ("azurelinux", 2),
    "mariner": ("mariner", 2),
    "cbl-mariner": ("mariner", 2),
    "mageia": ("mageia", 1),
    "arch": ("arch", 0),
    "archlinux": ("arch", 0),
    "wolfi": ("wolfi", 0),
    "chainguard": ("chainguard", 0),
    "nixos": ("nixos", 2),
    "gentoo": ("gentoo", 0),
    "flatcar": ("flatcar", 3),
    "bottlerocket": ("bottlerocket", 3),
    "talos": ("talos", 0),
    "cos": ("cos", 0),
    "manjaro": ("arch", 0),
    "endeavouros": ("arch", 0),
    "balena-os": ("balenaos", 3),
    "balenaos": ("balenaos", 3),
    "vmware photon os": ("photon", 2),
    "microsoft azure linux": ("azurelinux", 2),
    "azure linux": ("azurelinux", 2),
    "amazon linux": ("amzn", 1),
    "amazonlinux": ("amzn", 1),
    "red hat enterprise linux": ("rhel", 2),
    "rocky linux": ("rocky", 2),
    "oracle linux": ("ol", 2),
    "oracle linux server": ("ol", 2),
    "debian gnu/linux": ("debian", 1),
    "alpine linux": ("alpine", 2),
    "arch linux": ("arch", 0),
}
# What an rpm's release ends in, where only one distribution writes that.
_RELEASES = (
    (r"\.fc(\d+)$", "fedora-{}"),
    (r"\.amzn(2023|2022|2)(?:\.\d+)*$", "amzn-{}"),
    (r"\.amzn1$", "amzn-2018.03"),
    (r"\.azl(\d+)$", "azurelinux-{}.0"),
    (r"\.cm(\d+)$", "mariner-{}.0"),
    (r"\.ph(\d+)$", "photon-{}.0"),
    (r"\.mga(\d+)$", "mageia-{}"),
    (r"(?:^|[.-])lp(\d\d)(\d)\.[\d.]+$", "opensuse-leap-{}.{}"),
)
# The package that says which distribution and release a system is.
_SYSTEM = {
    "rocky-release": "rocky",
    "almalinux-release": "almalinux",
    "redhat-release": "rhel",
    "redhat-release-server": "rhel",
    "centos-release": "centos",
    "centos-stream-release": "centos",
    "centos-linux-release": "centos",
    "oraclelinux-release": "ol",
    "fedora-release-common": "fedora",
    "sles-release": "sles",
    "photon-release": "photon",
    "azurelinux-release": "azurelinux",
    "mariner-release": "mariner",
}
# base-files of Ubuntu's long-term releases
_UBUNTU = {
    "10.1ubuntu2": "ubuntu-18.04",
    "11ubuntu5": "ubuntu-20.04",
    "12ubuntu4": "ubuntu-22.04",
    "13ubuntu10": "ubuntu-24.04",
}

SYSTEM_PACKAGES = frozenset({*_SYSTEM, "base-files", "alpine-release", "system-release", "openSUSE-release"})
"""The packages that `of_system_package` knows."""


def of_pretty(text: str, kernel: str = "") -> str:
    """Return the distribution for a PRETTY_NAME; the kernel's build gives the version if the name has none.

    >>> of_pretty("Ubuntu 20.04.6 LTS"), of_pretty("SUSE Linux Enterprise Server 15 SP5"), of_pretty("Docker Desktop")
    ('ubuntu-20.04', 'sles-15.5', '')
    >>> of_pretty("CBL-Mariner/Linux", "5.15.34-1.cm2"), of_pretty("VMware Photon OS/Linux"), of_pretty("Gentoo Linux")
    ('mariner-2.0', 'photon', 'gentoo')
    """
    for pattern, name in _PRETTY:
        if match := re.match(pattern, text.strip()[:200]):
            found = name.format(*match.groups())
            built = of_rpm_release(re.sub(r"\.(?:x86_64|aarch64)$", "", kernel.strip()[:200]))
            return built if built.rpartition("-")[0] == found else found
    return ""


def of_id(name: str, version: str) -> str:
    """The distribution of an id (or of Ansible's name for it) and its version.

    >>> of_id("Debian", "12.11"), of_id("RedHat", "9.4"), of_id("openSUSE Tumbleweed", "20260601"), of_id("BeOS", "5")
    ('debian-12', 'rhel-9.4', 'opensuse-tumbleweed', '')
    """
    known = _NAMES.get(name.strip().lower())
    if known is None:
        return ""
    identity, count = known
    numbers = re.match(r"\d+(?:\.\d+)*", version.strip()[:40])
    if not count:
        return identity
    return f"{identity}-{'.'.join(numbers[0].split('.')[:count])}" if numbers else ""


def of_os_release(text: str) -> str:
    r"""Return the distribution that the lines of an os-release in a text name; "" if there are none.

    >>> of_os_release('NAME="Photon"\nID=photon\nVERSION_ID=4.0\n'), of_os_release("Client:\n")
    ('photon-4.0', '')
    """
    said = dict(re.findall(r"""^(ID|VERSION_ID)=["']?([\w.+-]{1,60})["']?\r?$""", text, re.MULTILINE))
    return of_id(said.get("ID", ""), said.get("VERSION_ID", ""))


def of_rpm_release(release: str) -> str:
    """The distribution that an rpm's release names.

    >>> of_rpm_release("1.fc41"), of_rpm_release("1.amzn2023.0.1"), of_rpm_release("1.el9")
    ('fedora-41', 'amzn-2023', '')
    """
    for pattern, name in _RELEASES:
        if match := re.search(pattern, release):
            return name.format(*match.groups())
    return ""


def of_kernel(kernel: str) -> str:
    """The distribution that a kernel is built for, where it runs nothing else: Amazon Linux.

    >>> of_kernel("6.1.102-111.182.amzn2023.x86_64"), of_kernel("6.1.0-37-amd64")
    ('amzn-2023', '')
    """
    match = re.search(r"\.amzn(2023|2022|2)\.(?:x86_64|aarch64)$", kernel)
    return f"amzn-{match[1]}" if match else ""


def of_system_package(name: str, version: str) -> str:
    """The distribution that an installed package says the system is: its release package, or Debian's base-files.

    >>> of_system_package("rocky-release", "9.4-1.5.el9"), of_system_package("base-files", "12.4+deb12u11")
    ('rocky-9.4', 'debian-12')
    >>> of_system_package("base-files", "13ubuntu10.3"), of_system_package("base-files", "13.3ubuntu6")
    ('ubuntu-24.04', '')
    """
    if name == "base-files":
        match = re.fullmatch(r"(\d+)(?:\.\d+)?(?:\+deb\d+u\d+)?", version)
        ubuntu = next((v for v in _UBUNTU if re.fullmatch(rf"{re.escape(v)}(?:\.\d+)?", version)), "")
        return f"debian-{match[1]}" if match else _UBUNTU.get(ubuntu, "")
    if name == "alpine-release":
        return of_id("alpine", version)
    if name == "system-release":
        return of_rpm_release(version)
    if name == "openSUSE-release":
        rolling = re.match(r"\d{8}-", version)
        return "opensuse-tumbleweed" if rolling else of_id("opensuse-leap", version)
    return of_id(_SYSTEM.get(name, ""), version)

// Brings what the emulated boards need: QEMU from Debian onto this machine, and arm64 packages into a folder of ours.
//
// This machine's package lists stay unchanged: the arm64 packages are looked up in separate lists, and
// unpacked, not installed. What was brought once is reused until the versions asked for change.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "../toolchain.ts";

/** Where downloads and images are kept between runs. */
export const cacheFolder: string = join(root, "dist", "rig", "cache");

/** Programs of this machine, and the Debian package of each. */
const HOST_PROGRAMS: Record<string, string> = {
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-aarch64-static": "qemu-user-static",
  "mkfs.ext4": "e2fsprogs",
  "mkfs.f2fs": "f2fs-tools",
  "e2fsck": "e2fsprogs",
  "mkfs.vfat": "dosfstools",
  "fsck.vfat": "dosfstools",
  "mkfs.exfat": "exfatprogs",
  "fsck.exfat": "exfatprogs",
  "strace": "strace",
  "cpio": "cpio",
};

/** Packages for the guest, unpacked into one tree. The kernel is named by the package that depends on the newest. */
const GUEST_PACKAGES = ["busybox-static", "libc6", "libgcc-s1", "libstdc++6"];
const KERNEL_PACKAGE = "linux-image-arm64";

/** What a guest is made of, as paths on this machine. */
export interface GuestFiles {
  /** The kernel, which boots as it is. */
  kernel: string;
  /** The folder with its modules. */
  modules: string;
  /** The device tree of the Raspberry Pi 3B. */
  raspberryTree: string;
  busybox: string;
  /** The unpacked arm64 packages: a root for programs that are linked against the C library. */
  tree: string;
}

/** Installs what is missing on this machine. Asks for root only then. */
export function installHostPrograms(): void {
  // mkfs lives where only root's PATH looks.
  process.env.PATH += ":/usr/sbin:/sbin";
  const missing = Object.entries(HOST_PROGRAMS)
    .filter(([program]) => spawnSync("which", [program]).status !== 0)
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const packages = [...new Set(missing)];
  if (spawnSync("which", ["apt-get"]).status !== 0) {
    throw new Error(
      `The rig needs ${packages.join(", ")}, and installs them on Debian only: install them first`,
    );
  }
  console.log(`rig: installing ${packages.join(", ")}`);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
  const apt = (...args: string[]) => execute([...sudo, "apt-get", "-qq", ...args]);
  apt("update");
  apt("install", "-y", "--no-install-recommends", ...packages);
}

/** Downloads and unpacks the guest's packages, unless they are there. */
export function fetchGuestFiles(): GuestFiles {
  const tree = join(cacheFolder, "tree");
  const stamp = join(cacheFolder, "tree.stamp");
  const wanted = `${GUEST_PACKAGES.join(" ")} ${KERNEL_PACKAGE}\n`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    console.log("rig: downloading a kernel and libraries for arm64 (once)");
    rmSync(cacheFolder, { recursive: true, force: true });
    mkdirSync(tree, { recursive: true });
    const downloads = join(cacheFolder, "packages");
    download(downloads);
    for (const name of readdirSync(downloads).filter((name) => name.endsWith(".deb"))) {
      execute(["dpkg-deb", "-x", join(downloads, name), tree]);
    }
    rmSync(downloads, { recursive: true });
    writeFileSync(stamp, wanted);
  }
  const release = readdirSync(join(tree, "lib", "modules"))[0]!;
  return {
    kernel: join(tree, "boot", `vmlinuz-${release}`),
    modules: join(tree, "lib", "modules", release, "kernel"),
    raspberryTree: join(
      tree,
      "usr",
      "lib",
      `linux-image-${release}`,
      "broadcom",
      "bcm2837-rpi-3-b.dtb",
    ),
    busybox: join(tree, "bin", "busybox"),
    tree,
  };
}

/** Asks Debian for arm64 packages, with our own lists and state. */
function download(folder: string): void {
  const state = join(folder, "apt");
  for (const name of ["lists/partial", "archives/partial"]) {
    mkdirSync(join(state, name), { recursive: true });
  }
  writeFileSync(join(state, "status"), "");
  const settings = {
    "Dir::State": state,
    "Dir::State::lists": join(state, "lists"),
    "Dir::State::status": join(state, "status"),
    "Dir::Cache": state,
    "APT::Architecture": "arm64",
    "APT::Architectures": "arm64",
    "Debug::NoLocking": "1",
    // Downloading as another user would need a folder which that user can write.
    "APT::Sandbox::User": "",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  execute(["apt-get", ...options, "-qq", "update"]);
  const kernel = execFileSync("apt-cache", [...options, "depends", KERNEL_PACKAGE], {
    encoding: "utf8",
  }).match(/Depends: (linux-image-\S+)/)?.[1];
  if (kernel === undefined) throw new Error(`Debian's lists name no ${KERNEL_PACKAGE}`);
  execute(["apt-get", ...options, "-qq", "download", kernel, ...GUEST_PACKAGES], folder);
}

/** The arm64 build of a runtime from npm, unpacked; returns the path of `program` in it. */
export function fetchFromNpm(name: string, version: string, program: string): string {
  const folder = join(cacheFolder, `${name.replaceAll("/", "-")}-${version}`);
  const path = join(folder, "package", program);
  if (existsSync(path)) return path;
  console.log(`rig: downloading ${name} ${version} (once)`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = execFileSync("npm", ["pack", "--silent", `${name}@${version}`], {
    cwd: folder,
    encoding: "utf8",
  }).trim();
  execute(["tar", "-xzf", archive], folder);
  execute(["chmod", "+x", path]);
  rmSync(join(folder, archive));
  return path;
}

/** Runs a program to its end; its errors are shown, and are ours. */
export function execute(command: string[], cwd?: string): void {
  execFileSync(command[0]!, command.slice(1), {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

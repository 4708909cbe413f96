/**
 * Checks the owners and permissions of a state directory and of our files in it.
 *
 * @module
 */

import type { PathStatus } from "../machine.ts";
import { safeText } from "../text.ts";
import {
  type DoctorFinding,
  type Fact,
  fine,
  isUnknown,
  shellText,
  unknownFinding,
} from "./finding.ts";

/** One of our files. */
export interface OwnFile {
  name: string;
  status: PathStatus;
}

/** What is known about owners and permissions. */
export interface AccessFacts {
  /** The directory as it was given. */
  directory: string;
  status: Fact<PathStatus>;
  /** Our files in it. */
  files: Fact<OwnFile[]>;
  userId: Fact<number>;
  /** Whether the file system lacks owners and permissions. */
  ownerless: boolean;
}

const ROOT = 0;
const WRITE_BY_OTHERS = 0o022;
const ANYTHING_BY_OTHERS = 0o077;

/** How many names a line shows. */
const NAMES_MAX = 3;

/** Reports what is wrong with owners and permissions. */
export function accessFindings(facts: AccessFacts): DoctorFinding[] {
  return [...directoryFindings(facts), ...filesFindings(facts)];
}

function directoryFindings(facts: AccessFacts): DoctorFinding[] {
  const { status, ownerless } = facts;
  const check = "directory";
  if (isUnknown(status)) return [unknownFinding(check, status)];
  const { owner, mode } = status;
  const found = `owner ${owner}, mode ${modeText(mode)}`;
  if (ownerless) return [];
  const advice = `chmod 700 ${shellText(facts.directory)}`;
  if ((mode & WRITE_BY_OTHERS) !== 0) {
    return [{
      check,
      mark: "warning",
      found,
      meaning: "Other users can replace or delete the state's files",
      advice,
    }, ...foreignOwner(check, "The directory", [owner], facts)];
  }
  const strangers = foreignOwner(check, "The directory", [owner], facts);
  if (strangers.length > 0) return strangers;
  if ((mode & ANYTHING_BY_OTHERS) === 0) return [fine(check, found)];
  const meaning = "Other users can see the names in it; the files are for their owner alone";
  return [{ check, mark: "notice", found, meaning, advice }];
}

function filesFindings(facts: AccessFacts): DoctorFinding[] {
  const { files, ownerless, directory } = facts;
  const check = "files";
  if (isUnknown(files)) return [unknownFinding(check, files)];
  const findings = linkFindings(files);
  const real = files.filter(({ status }) => !isLink(status));
  if (real.length > 0 && !ownerless) {
    const open = real.filter(({ status }) => (status.mode & ANYTHING_BY_OTHERS) !== 0);
    if (open.length > 0) {
      findings.push({
        check,
        mark: "warning",
        found: `${names(open)}: mode ${modeText(open[0]!.status.mode)}`,
        meaning: "Other users can read or change what ministate makes for its owner alone",
        advice: `chmod -R go= ${shellText(directory)}`,
      });
    }
    findings.push(...foreignOwner(check, "A file", real.map(({ status }) => status.owner), facts));
  }
  if (findings.length > 0) return findings;
  return files.length === 0 ? [] : [fine(check, `${files.length}, for their owner alone`)];
}

function isLink({ kind }: PathStatus): boolean {
  return kind === "link" || kind === "other";
}

function linkFindings(files: OwnFile[]): DoctorFinding[] {
  const links = files.filter(({ status }) => isLink(status));
  if (links.length === 0) return [];
  return [{
    check: "files",
    mark: "problem",
    found: `${names(links)}: a symbolic link or a device under one of our names`,
    meaning: "It is not followed: opening the state fails",
    advice: "Find out who made it, then put the file itself in its place, or delete the link",
  }];
}

/** Finds files of other users, and warns when files created by root would be closed to the directory's owner. */
function foreignOwner(
  check: string,
  subject: string,
  owners: number[],
  { userId, directory }: AccessFacts,
): DoctorFinding[] {
  const distinct = [...new Set(owners)].sort((a, b) => a - b);
  if (distinct.length > 1) {
    return [{
      check,
      mark: "warning",
      found: `of different users: ${distinct.join(", ")}`,
      meaning:
        'A program that is not root can open only its own files; "sudo" often created the others',
      advice: `chown -R USER ${shellText(directory)}, with the user that the program runs as`,
    }];
  }
  const owner = distinct[0]!;
  if (isUnknown(userId) || owner === userId) return [];
  const found = `${subject} belongs to user ${owner}, and this is user ${userId}`;
  if (userId === ROOT) {
    return [{
      check,
      mark: "notice",
      found,
      meaning: `Files that root makes here are closed to user ${owner}`,
      advice: `Run commands that write as that user: sudo -u '#${owner}' ministate …`,
    }];
  }
  return [{
    check,
    mark: "warning",
    found,
    meaning: "A program of this user may not be allowed to open the state",
    advice: `Run as that user (sudo -u '#${owner}' …), or chown -R ${userId} ${
      shellText(directory)
    }`,
  }];
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function names(files: OwnFile[]): string {
  const shown = files.slice(0, NAMES_MAX).map(({ name }) => safeText(name)).join(", ");
  return files.length > NAMES_MAX ? `${shown} and ${files.length - NAMES_MAX} more` : shown;
}

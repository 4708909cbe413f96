// Derives crash states from one cut's log and has each of them judged.

import { Random } from "../../testing/disk/random.ts";
import type { FileSystem } from "./boot_files.ts";
import { type Claim, claimsAt, judge, type RigVerdict } from "./claims.ts";
import {
  CrashImages,
  type CrashRules,
  drawMoments,
  isJournalCommit,
  isNotText,
  isSuperblock,
} from "./crash_images.ts";
import type { Judgement } from "./guest/judge.ts";
import type { Judge } from "./judges.ts";
import type { SavedLog } from "./write_log.ts";

/** One crash state: where the power was cut, and the seed that decides what was kept of the unflushed writes. */
export interface CrashState {
  moment: number;
  seed: number;
}

/** What became of one crash state. */
export interface Examined extends CrashState {
  verdict: RigVerdict;
  /** The result of opening. */
  outcome: string;
  detail: string;
}

/** What to examine. */
export interface Examination {
  saved: SavedLog;
  subject: string;
  fileSystem: FileSystem;
  /** What had been acknowledged on the card before. */
  earlier: readonly Claim[];
  ignoresFlushes: boolean;
  /** Whether blocks that commit ext4's journal may be torn; `e2fsck` runs before the mount then. */
  tearsCommits: boolean;
}

/** The rules for an examination. */
export function rulesOf({ fileSystem, tearsCommits, ignoresFlushes }: Examination): CrashRules {
  if (fileSystem === "f2fs") return { isWhole: isNotText, ignoresFlushes };
  // FAT's structures are smaller than a sector and have no checksums. exFAT's are, and its entries have one that spans
  // several: torn, they are for its fsck.
  if (fileSystem !== "ext4") return { isWhole: () => false, ignoresFlushes };
  const isWhole = (block: Uint8Array, place: number) =>
    isSuperblock(place) || (!tearsCommits && isJournalCommit(block));
  return { isWhole, ignoresFlushes };
}

/** Draws crash states of a log, in the order in which they can be derived. */
export function drawStates(saved: SavedLog, count: number, seed: number): CrashState[] {
  const random = new Random(seed);
  // Several images of one moment: what differs between them is what the cache had kept.
  const moments = drawMoments(saved.log, Math.ceil(count / 2), random);
  return moments.flatMap((moment, index) =>
    [0, 1].map((image) => ({ moment, seed: seed + 2 * index + image }))
  ).slice(0, count);
}

/** Examines states, and reports each. */
export async function examineStates(
  examination: Examination,
  states: readonly CrashState[],
  judgeOfImages: Judge,
  onState: (state: Examined) => void,
): Promise<void> {
  const { saved, subject, earlier } = examination;
  const images = new CrashImages(saved, rulesOf(examination));
  for (const { moment, seed } of states) {
    const image = images.imageAt(moment, new Random(seed));
    const claims = claimsAt(saved.log, moment, earlier);
    const judgement = await judgeOfImages.look(
      image,
      subject,
      claims.map(({ directory }) => directory),
    );
    onState({ moment, seed, ...conclude(claims, judgement) });
  }
}

/** The worst of all directories decides. */
function conclude(claims: readonly Claim[], { found, refused }: Judgement) {
  if (refused !== null) {
    return { verdict: "not mounted" as const, outcome: "not mounted", detail: refused };
  }
  const all = claims.map((claim, index) => {
    const one = found[index]!;
    const verdict = judge(claim, one);
    const detail =
      `in ${claim.directory}, ${claim.acknowledged} mutations were acknowledged and ${claim.sent} sent; ` +
      (one.sequence === null ? "nothing could be opened" : `${one.sequence} were found`) +
      (one.problem === null ? "" : `: ${one.problem}`);
    return { verdict, outcome: one.outcome, detail };
  });
  return all.find(({ verdict }) => verdict !== "sound") ?? all.at(-1) ??
    { verdict: "sound" as const, outcome: "nothing yet", detail: "" };
}

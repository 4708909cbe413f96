/**
 * Writes snapshots of a live state and deletes files that they make unneeded, one job at a time.
 *
 * @module
 */

import { ioError, isDiskFull } from "../failures.ts";
import { type CompactionFailure, compactionFailureOf } from "../format/compaction_failure.ts";
import { FORMAT, readClock, type SnapshotHeader } from "../format/format.ts";
import { hex8 } from "../format/encode.ts";
import type { HistoryPoint } from "../format/history_point.ts";
import type { Backpressure } from "./backpressure.ts";
import {
  type Capture,
  type CaptureSettings,
  type CaptureTime,
  StateCapture,
  type StateSource,
} from "./capture.ts";
import { InTurn } from "./in_turn.ts";
import type { JournalGrowth } from "./journal_growth.ts";
import { headerEdition, isSettled } from "../disk/editions.ts";
import type { JournalIdentity } from "../journal/journal_identity.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import { hasNoSpaceFor } from "../journal/tail_repair.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { besideStuck } from "../snapshot/beside_stuck.ts";
import { type SnapshotInfo, writeSnapshot } from "../snapshot/snapshot_file.ts";
import { kindOf, readHeaderOf } from "../disk/header_file.ts";
import { isFilesOwn, isStuck } from "../disk/refusals.ts";
import { firstNeeded } from "../recovery/plan.ts";
import { canStandIn } from "../recovery/standing_snapshot.ts";
import { moveIfPossible } from "../recovery/aside_unneeded.ts";
import { syncFile } from "../disk/sync_file.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/** The result of a compaction. */
export interface CompactionReport {
  /** The newest snapshot. */
  snapshot: SnapshotInfo;
  /** Files deleted because no kept snapshot needs them. */
  deleted: string[];
}

/** The settings of snapshots and compactions. */
export interface CompactionSettings extends CaptureSettings {
  clock: () => number;
  /** Receives how each of them ended. */
  outcome: { compactionFailure: CompactionFailure | null };
}

/** Snapshots and compactions of one journal. */
export class Compaction {
  readonly #directory: StateDirectory;
  readonly #writer: JournalWriter;
  readonly #clock: () => number;
  readonly #kept: number;
  readonly #capture: StateCapture;
  readonly #pressure: Backpressure;
  /** For jobs that need the files to stay unchanged. */
  readonly turn: InTurn = new InTurn();
  readonly #outcome: CompactionSettings["outcome"];
  /** Measured from the last snapshot. */
  readonly growth: JournalGrowth;
  #newest: SnapshotInfo | null;
  /**
   * The snapshots that this process synced under their final names: those of a killed process may not have been synced.
   */
  readonly #synced = new Set<string>();

  /** @param newest the newest snapshot, if it is of this version */
  constructor(
    directory: StateDirectory,
    writer: JournalWriter,
    settings: CompactionSettings,
    newest: SnapshotInfo | null,
    state: StateSource,
  ) {
    this.#directory = directory;
    this.#writer = writer;
    this.#clock = settings.clock;
    this.#kept = settings.snapshotsKept;
    this.#outcome = settings.outcome;
    this.#newest = newest;
    this.growth = settings.growth;
    this.#pressure = settings.pressure;
    this.#capture = new StateCapture(directory.fs, writer, state, settings);
  }

  /** The size of the newest snapshot in bytes, 0 when there is none. */
  get snapshotSize(): number {
    return this.#newest?.size ?? 0;
  }

  /** Writes a snapshot of the current state. */
  createSnapshot(): Promise<SnapshotInfo> {
    return this.#run(() => this.#snapshot("queued"));
  }

  /** Like `createSnapshot`, but a full disk is ignored: the older files stay in use. */
  async createSnapshotIfSpace(): Promise<void> {
    try {
      await this.createSnapshot();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  /**
   * Writes a snapshot and deletes what is no longer needed.
   *
   * @param time `next` when it must not wait for the calls that wait
   */
  compact(time: CaptureTime = "queued"): Promise<CompactionReport> {
    return this.#run(async () => {
      const snapshot = await this.#snapshot(time);
      return { snapshot, deleted: await this.#deleteUnneeded() };
    });
  }

  /**
   * Writes a last snapshot, unless there is nothing to replay. No mutation may be submitted after this.
   *
   * @param deletes whether to delete what it makes unneeded as well
   */
  async leaveNoTail(deletes: boolean): Promise<void> {
    // Otherwise the batch in progress would be a tail.
    await this.#writer.exclusive(() => Promise.resolve());
    if (this.#writer.sequence === 0) return;
    await this.#run(async () => {
      const before = this.#newest;
      const snapshot = await this.#snapshot("last");
      // Without this, a program that is started daily would fill its card with snapshots.
      if (deletes && snapshot !== before) await this.#deleteUnneeded();
    });
  }

  /** Runs a job in its turn. How it ends is recorded in the next seal or header. */
  #run<T>(job: () => Promise<T>): Promise<T> {
    return this.turn.run(async () => {
      try {
        const result = await job();
        this.#outcome.compactionFailure = null;
        return result;
      } catch (error) {
        const { sequence } = this.#writer;
        const now = readClock(this.#clock);
        this.#outcome.compactionFailure = compactionFailureOf(error, sequence, now);
        throw error;
      } finally {
        this.#pressure.end();
      }
    });
  }

  async #snapshot(time: CaptureTime): Promise<SnapshotInfo> {
    if (this.#newest?.sequence === this.#writer.sequence && await this.#isSound(this.#newest)) {
      return this.#newest;
    }
    const captured = await this.#capture.take(time, this.snapshotSize);
    const { sequence } = captured;
    const { path, size, naming } = await besideStuck(
      this.#directory.fs,
      this.#writer.identity,
      sequence,
      (file, identity) => this.#write(file, this.#header(captured, identity), captured),
    );
    this.#writer.enterEdition(naming.edition);
    this.#newest = { path, sequence, size };
    return this.#newest;
  }

  #header({ sequence, checksum }: HistoryPoint, identity: JournalIdentity): SnapshotHeader {
    const { id, mutator, version } = identity;
    return {
      ministate: "snapshot",
      format: FORMAT,
      id,
      sequence,
      ...headerEdition(identity),
      after: checksum === null ? undefined : hex8(checksum),
      mutator,
      version,
      timestamp: readClock(this.#clock),
    };
  }

  /** Writes the file. On a full disk, first gives back the fill, then deletes the oldest files. */
  async #write(
    file: NamedFile,
    header: SnapshotHeader,
    { lines, write }: Capture,
  ): Promise<number> {
    const makeRoom: (() => Promise<unknown>)[] = [
      () => this.#writer.queue.next(() => this.#writer.releaseFill()),
      () => this.#deleteUnneeded(),
      // Last resort: keep one verified snapshot instead of two. Only the spare is lost, and the snapshot being written
      // replaces it.
      () => this.#deleteUnneeded(1),
    ];
    for (;;) {
      try {
        const { fs, path } = this.#directory;
        const { verify } = this.#capture;
        const content = { header, lines: lines(), write, verify };
        const size = await writeSnapshot(fs, path, file, content);
        this.#synced.add(file.path);
        return size;
      } catch (error) {
        const next = isDiskFull(error) ? makeRoom.shift() : undefined;
        if (next === undefined) throw error;
        // On a copy-on-write file system, even freeing takes space. If so, the next step may still work.
        await hasNoSpaceFor(next);
        // Deleted files free their space only once the deletion is durable (ext4).
        await this.#directory.syncNames();
      }
    }
  }

  async #isSound(snapshot: { path: string; sequence: number }): Promise<boolean> {
    const files = await this.#directory.list();
    const file = files.snapshots.find((other) => other.sequence === snapshot.sequence);
    return file !== undefined && await this.#canStandIn(file, files);
  }

  #canStandIn(file: NamedFile, { segments }: StateFiles): Promise<boolean> {
    const { fs } = this.#directory;
    return canStandIn(fs, file, segments, this.#writer.identity.id, this.#capture.verify);
  }

  /** Deletes snapshots beyond the newest `kept` sound ones, and the segments that none of those needs. */
  async #deleteUnneeded(kept = this.#kept): Promise<string[]> {
    const files = await this.#directory.list();
    const sound: NamedFile[] = [];
    for (const file of files.snapshots.toReversed()) {
      if (sound.length === kept) break;
      if (await this.#canStandIn(file, files)) sound.push(file);
    }
    // Until there are enough sound snapshots, the journal from the beginning is the fallback for a damaged one.
    if (sound.length < kept) return [];
    await this.#syncOnce(sound);
    const oldest = sound[sound.length - 1]!.sequence;
    const first = firstNeeded(files.segments, oldest);
    // Durably delete the snapshots first: without its journal, a snapshot is no fallback, and leaves a gap in a backup.
    return [
      ...await this.#delete(files.snapshots.filter((snapshot) => snapshot.sequence < oldest)),
      ...await this.#delete(files.segments.filter((_, index) => index < first)),
    ];
  }

  /**
   * A killed process's snapshot may be readable but not yet durable, and everything before it is about to be deleted.
   */
  async #syncOnce(snapshots: NamedFile[]): Promise<void> {
    for (const { path } of snapshots) {
      if (this.#synced.has(path)) continue;
      await syncFile(this.#directory.fs, path);
      this.#synced.add(path);
    }
  }

  async #delete(files: NamedFile[]): Promise<string[]> {
    if (files.length === 0) return [];
    const deleted: string[] = [];
    const unknown: NamedFile[] = [];
    // The files that replace them must be durable by name before anything is deleted.
    await this.#directory.syncNames();
    for (const file of files) {
      const { path } = file;
      if (!await this.#isOwn(file)) {
        unknown.push(file);
        continue;
      }
      try {
        await this.#directory.fs.remove(path);
        deleted.push(path);
      } catch (error) {
        // Only fsck can remove it. The others must still be deleted, or the disk fills up.
        if (!isStuck(error)) throw ioError("delete", path, error);
      }
    }
    await this.#directory.syncNames();
    await moveIfPossible(this.#directory, unknown);
    return deleted;
  }

  /**
   * Whether a file that is not needed is known to be of this journal, and of its history. Any other may hold what is
   * nowhere else, so it is moved aside and not deleted.
   */
  async #isOwn(file: NamedFile): Promise<boolean> {
    const { identity } = this.#writer;
    if (!isSettled(file, identity)) return false;
    try {
      const reading = await readHeaderOf(this.#directory.fs, file, kindOf(file));
      if (reading.kind !== "sound") return false;
      const { id, edition = 1 } = reading.header;
      return id === identity.id && edition === file.edition;
    } catch (error) {
      if (!isFilesOwn(error)) throw error;
      return false;
    }
  }
}

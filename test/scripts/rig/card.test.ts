// Tests the rig's card: what it remembers, what it logs, and how it is served.

import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { serveDisk } from "../../../scripts/rig/nbd_server.ts";
import { loadLog, LoggedDisk, saveLog } from "../../../scripts/rig/write_log.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

test("LoggedDisk leaves the image it starts from unchanged, even one in a file", () => {
  // A Node Buffer's slice shares its memory, which once made every derived image one in which all had arrived.
  const card = new LoggedDisk(Buffer.alloc(1024));
  card.write(0, Buffer.from("written"), false);
  assertEquals(card.before[0], 0);
  assertEquals(new TextDecoder().decode(card.read(0, 7)), "written");
});

test("loadLog() gives back what saveLog() wrote", async () => {
  await using directory = await temporaryDirectory();
  const card = new LoggedDisk(new Uint8Array(1024).fill(3));
  card.hear("ready");
  card.write(512, new Uint8Array([1, 2, 3]), false);
  card.flush();
  card.write(0, new Uint8Array([4]), true);
  saveLog(`${directory.path}/card`, card);
  const { before, log } = loadLog(`${directory.path}/card`);
  assertEquals(before, card.before);
  assertEquals(
    log.map((entry) => entry.at === "write" ? { ...entry, bytes: [...entry.bytes] } : entry),
    [
      { at: "said", text: "ready" },
      { at: "write", offset: 512, bytes: [1, 2, 3], forced: false },
      { at: "flush" },
      { at: "write", offset: 0, bytes: [4], forced: true },
    ],
  );
});

/** Speaks the protocol as QEMU does, and collects the answers. */
class Client {
  readonly #socket;
  #received = Buffer.alloc(0);
  #wake = () => {};

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
  }

  async take(size: number): Promise<Buffer> {
    while (this.#received.length < size) await new Promise<void>((wake) => this.#wake = wake);
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return taken;
  }

  send(...parts: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(parts));
  }

  option(option: number): void {
    const head = Buffer.alloc(16);
    head.write("IHAVEOPT", "latin1");
    head.writeUInt32BE(option, 8);
    this.send(head);
  }

  async request(command: number, flags: number, offset: number, body: Uint8Array | number) {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(command, 6);
    head.writeUInt32BE(77, 12);
    head.writeUInt32BE(offset, 20);
    head.writeUInt32BE(typeof body === "number" ? body : body.length, 24);
    this.send(head, typeof body === "number" ? Buffer.alloc(0) : body);
    const reply = await this.take(16);
    assertEquals([reply.readUInt32BE(0), reply.readUInt32BE(12)], [0x67446698, 77]);
    return reply.readUInt32BE(4);
  }

  close(): void {
    this.#socket.destroy();
  }
}

test("serveDisk() takes writes, forced writes, flushes and reads, and refuses the rest", async () => {
  await using directory = await temporaryDirectory();
  const card = new LoggedDisk(new Uint8Array(8192));
  const path = `${directory.path}/card`;
  const server = await serveDisk(path, card);
  const client = new Client(path);
  assertEquals((await client.take(18)).toString("latin1", 0, 16), "NBDMAGICIHAVEOPT");
  client.send(Buffer.from([0, 0, 0, 3]));
  // The server offers no list of exports, but negotiation continues.
  client.option(3);
  assertEquals((await client.take(20)).readUInt32BE(12), 0x80000001);
  client.option(7);
  const info = await client.take(32);
  assertEquals([info.readUInt32BE(12), Number(info.readBigUInt64BE(22))], [3, 8192]);
  assertEquals((await client.take(20)).readUInt32BE(12), 1);

  assertEquals(await client.request(1, 0, 512, Buffer.from("abc")), 0);
  assertEquals(await client.request(1, 1, 1024, Buffer.from("def")), 0);
  assertEquals(await client.request(3, 0, 0, 0), 0);
  assertEquals(await client.request(0, 0, 512, 3), 0);
  assertEquals((await client.take(3)).toString(), "abc");
  assert(await client.request(4, 0, 0, 512) !== 0, "a trim");
  assertEquals(
    card.log.map((entry) => entry.at === "write" ? entry.forced : entry.at),
    [false, true, "flush"],
  );
  client.close();
  server.close();
});

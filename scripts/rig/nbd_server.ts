// Serves one disk over the Network Block Device protocol, on a Unix socket: what QEMU attaches as the board's card.
//
// The protocol is documented by the NBD project in doc/proto.md ("fixed newstyle", simple replies); only what QEMU
// needs is here. Requests are carried out one after the other as they come, so that a flush covers every write that
// was answered before.

import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";

/** What the server serves. */
export interface BlockDevice {
  readonly size: number;
  read(offset: number, size: number): Uint8Array;
  /** @param forced whether the bytes must be on the disk for good when the request is answered (FUA) */
  write(offset: number, bytes: Uint8Array, forced: boolean): void;
  flush(): void;
}

const MAGIC = "NBDMAGIC";
const OPTION_MAGIC = "IHAVEOPT";
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const REPLY_MAGIC = 0x67446698;

const HANDSHAKE_FLAGS = 1 | 2; // fixed newstyle, no zeroes
const OPTION = { exportName: 1, abort: 2, list: 3, info: 6, go: 7 } as const;
const REPLY = { ack: 1, info: 3, unsupported: 0x80000001 } as const;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const FORCED = 1;
const EXPORT_FLAGS = 1 | 4 | 8; // has flags, flush, FUA
const ERROR_INVALID = 22;

/** Serves `device` at a path until it is closed. */
export async function serveDisk(path: string, device: BlockDevice): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    converse(socket, device).catch((error) => {
      // A killed machine closes its end of the connection.
      if (!["EPIPE", "ECONNRESET", "END"].includes(error.code)) throw error;
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

async function converse(socket: Socket, device: BlockDevice): Promise<void> {
  const take = reader(socket);
  const hello = Buffer.alloc(18);
  hello.write(MAGIC + OPTION_MAGIC, "latin1");
  hello.writeUInt16BE(HANDSHAKE_FLAGS, 16);
  socket.write(hello);
  await take(4);
  while (!await negotiate(socket, take, device));
  while (await answer(socket, take, device));
  socket.end();
}

/** Answers one option; resolves with whether requests come next. */
async function negotiate(socket: Socket, take: Take, device: BlockDevice): Promise<boolean> {
  const head = await take(16);
  const option = head.readUInt32BE(8);
  await take(head.readUInt32BE(12));
  const reply = (type: number, body: Buffer = Buffer.alloc(0)) => {
    const header = Buffer.alloc(20);
    header.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(type, 12);
    header.writeUInt32BE(body.length, 16);
    socket.write(Buffer.concat([header, body]));
  };
  if (option !== OPTION.go && option !== OPTION.info) {
    reply(REPLY.unsupported);
    return false;
  }
  const info = Buffer.alloc(12);
  info.writeUInt16BE(0, 0);
  info.writeBigUInt64BE(BigInt(device.size), 2);
  info.writeUInt16BE(EXPORT_FLAGS, 10);
  reply(REPLY.info, info);
  reply(REPLY.ack);
  return option === OPTION.go;
}

/** Carries out one request; resolves with whether another one may come. */
async function answer(socket: Socket, take: Take, device: BlockDevice): Promise<boolean> {
  const head = await take(28);
  if (head.readUInt32BE(0) !== REQUEST_MAGIC) throw new Error("not an NBD request");
  const flags = head.readUInt16BE(4);
  const command = head.readUInt16BE(6);
  const offset = Number(head.readBigUInt64BE(16));
  const size = head.readUInt32BE(24);
  if (command === COMMAND.disconnect) return false;
  let bytes: Uint8Array | null = null;
  let error = 0;
  if (command === COMMAND.read) bytes = device.read(offset, size);
  else if (command === COMMAND.write) {
    device.write(offset, await take(size), (flags & FORCED) !== 0);
  } else if (command === COMMAND.flush) device.flush();
  else error = ERROR_INVALID;
  const reply = Buffer.alloc(16);
  reply.writeUInt32BE(REPLY_MAGIC, 0);
  reply.writeUInt32BE(error, 4);
  head.copy(reply, 8, 8, 16);
  socket.write(reply);
  if (bytes !== null) socket.write(bytes);
  return true;
}

type Take = (size: number) => Promise<Buffer>;

/** Gives the bytes of a socket in pieces of the sizes asked for. */
function reader(socket: Socket): Take {
  let chunks: Buffer[] = [];
  let there = 0;
  let ended = false;
  let wake = () => {};
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    there += chunk.length;
    wake();
  });
  const end = () => {
    ended = true;
    wake();
  };
  socket.on("close", end);
  socket.on("error", end);
  return async (size) => {
    while (there < size) {
      if (ended) throw Object.assign(new Error("the other end is gone"), { code: "END" });
      await new Promise<void>((resolve) => wake = resolve);
    }
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    chunks = all.length > size ? [all.subarray(size)] : [];
    there -= size;
    return all.subarray(0, size);
  };
}

/**
 * Replaces random numbers: those of `Math` and of `crypto`.
 *
 * @module
 */

import { type Patch, value } from "./patches.ts";

/** A source of random numbers. */
export interface Chance {
  /** A number from 0 to below 1. */
  random(): number;
}

/** Makes all random numbers come from `chance`. */
export function chancePatches(chance: Chance): Patch[] {
  const { crypto } = globalThis;
  const fill = <A extends ArrayBufferView>(array: A): A => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(chance.random() * 256);
    return array;
  };
  return [
    value(Math, "random", () => chance.random()),
    value(crypto, "getRandomValues", fill),
    value(crypto, "randomUUID", () => uuid(fill(new Uint8Array(16)))),
  ];
}

function uuid(bytes: Uint8Array): string {
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

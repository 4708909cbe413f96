/**
 * Gives every failure of the operating system its true name. Decisions depend on it (a full quota is temporary, a
 * broken card is not), and the runtimes name only the failures they know. Node calls `EDQUOT` "Unknown system error
 * -122" or "UNKNOWN"; Deno gives it no code at all.
 *
 * @module
 */

import { thisSystem } from "./system.ts";
import type { MaybePromise } from "../src/durable_fs.ts";

/** The names of errno 1, 2, 3 … on Linux, the same on arm64 and x64. "-" means that there is none. */
const LINUX = (
  "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST " +
  "EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE " +
  "EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH " +
  "ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE " +
  "ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN " +
  "ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT " +
  "EPROTONOSUPPORT ESOCKTNOSUPPORT ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH " +
  "ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN " +
  "EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE " +
  "ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON"
).split(" ");

/** Where macOS differs, for names that decisions depend on. Below 35 only 11 differs. */
const MACOS: Record<number, string> = {
  11: "EDEADLK",
  35: "EAGAIN",
  45: "ENOTSUP",
  62: "ELOOP",
  63: "ENAMETOOLONG",
  66: "ENOTEMPTY",
  69: "EDQUOT",
  70: "ESTALE",
  77: "ENOLCK",
  78: "ENOSYS",
  94: "EBADMSG",
  102: "ENOTSUP",
};

/** The number from which the two systems differ. */
const COMMON_END = 35;

/** The name of an error number (`ENOSPC` for 28), or `undefined` if it has none. */
export function nameOfErrno(
  errno: number,
  macos: boolean = thisSystem().name === "darwin",
): string | undefined {
  if (macos && MACOS[errno] !== undefined) return MACOS[errno];
  const name = macos && errno >= COMMON_END ? undefined : LINUX[errno - 1];
  return name === "-" ? undefined : name;
}

/** The number in a runtime's error: Node and Bun have it as a negative property, Deno at the end of its message. */
function errnoOf({ errno, message }: { errno?: unknown; message?: unknown }): number | undefined {
  if (typeof errno === "number") return Math.abs(errno);
  const found = /\(os error (\d+)\)/.exec(String(message));
  return found === null ? undefined : Number(found[1]);
}

/** The same error, with the system's name of the failure as its `code` wherever a number reveals it. */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  // A name given by the runtime is right; any other code is not a name.
  if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return error;
  const name = nameOfErrno(errnoOf(error) ?? 0);
  if (name !== undefined) {
    Object.defineProperty(error, "code", {
      value: name,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return error;
}

/** Makes a call, and gives its failure, now or later, its true name. A synchronous answer creates no promise. */
export function withErrorCodes<T>(call: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const answer = call();
    return answer instanceof Promise ? answer.catch(throwWithCode) : answer;
  } catch (error) {
    return throwWithCode(error);
  }
}

/** Throws the error with its true name. */
export function throwWithCode(error: unknown): never {
  throw withCode(error);
}

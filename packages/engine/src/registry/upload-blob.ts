import type { Readable } from "node:stream";
import { delayMs, isTransient, type Clock } from "./retry.ts";
import { RegistryError } from "./registry-error.ts";

/** What is put into a repository; it need not fit into memory. */
export interface BlobSource {
  sizeBytes: number;
  /** From an offset on, for each time it is sent. */
  open(offset: number): Readable;
}

/** An upload that a registry has begun. */
export interface UploadSession {
  /** Where what comes next is sent to; each answer may say another. */
  url: URL;
  /** Bytes that the registry has. */
  offset: number;
}

/** The requests of an upload, each made once (distribution specification, "Pushing blobs"). */
export interface UploadCalls {
  hasBlob(signal: AbortSignal): Promise<boolean>;
  /** A session, or where the registry took the blob from instead. */
  begin(signal: AbortSignal): Promise<UploadSession | { mountedFrom: string }>;
  /** Where an upload stands; undefined where it cannot be gone on with. */
  ask(session: UploadSession, signal: AbortSignal): Promise<UploadSession | undefined>;
  /** Sends what the registry has not, and ends the upload. */
  sendRest(session: UploadSession, signal: AbortSignal): Promise<void>;
  /** Gives an upload up. Never rejects. */
  cancel(session: UploadSession): Promise<void>;
}

/** Faults in a row, without a byte more at the registry between them, until an upload is given up. */
const attemptLimit = 5;

/**
 * Sends a blob. A broken upload is gone on with at the byte up to which the registry has it, or begun anew where it has no such thing;
 * one that is given up is taken back.
 */
export async function uploadBlob(
  calls: UploadCalls,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<{ mountedFrom?: string }> {
  let session: UploadSession | undefined;
  let furthest = 0;
  let faults = 0;
  try {
    for (;;) {
      try {
        if (faults > 0) {
          // What was lost may be the answer only.
          if (await calls.hasBlob(signal)) return {};
          const asked = session && (await calls.ask(session, signal));
          if (session !== undefined && asked === undefined) await calls.cancel(session);
          session = asked;
          if (session !== undefined && session.offset > furthest) {
            furthest = session.offset;
            faults = 1;
          }
        }
        const begun = session ?? (await calls.begin(signal));
        if ("mountedFrom" in begun) return begun;
        session = begun;
        await calls.sendRest(session, signal);
        session = undefined;
        return {};
      } catch (error) {
        signal.throwIfAborted();
        faults += 1;
        if (!(isTransient(error) || isLostSession(error)) || faults >= attemptLimit) throw error;
        await clock.sleep(delayMs(faults - 1, error), signal);
      }
    }
  } finally {
    if (session !== undefined) await calls.cancel(session);
  }
}

/** The registry has forgotten the upload, or has other bytes of it than it was sent. */
function isLostSession(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === "BLOB_UPLOAD_UNKNOWN" || error.status === 416);
}

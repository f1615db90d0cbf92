import { channel } from "node:diagnostics_channel";
import { guestNow, type Guest } from "./guest-code.ts";
import { operationOf, type Operation } from "./operation.ts";

/** An error that nobody who could act on it was there to catch. */
export interface LostError {
  error: unknown;
  origin: "background" | "uncaughtException" | "unhandledRejection";
  operation: Operation;
}

/** Process-wide, as the process' own events beside it are. */
const background = channel("pouch:lost-error");

/** Reports a failure of work nobody waits for. Without a net below, it is an uncaught exception: no test overlooks it. */
export function reportLostError(error: unknown): void {
  if (background.hasSubscribers) background.publish({ error, origin: "background", operation: operationOf(error) });
  else
    setImmediate(() => {
      throw error;
    });
}

/**
 * The net below everything: what is caught by nobody is handed to `report`, and the process goes on. The first choice is always an
 * owner that can do something about an error; the net is there for what was overlooked. What a guest's code left is told to the guest.
 */
export function catchLostErrors(report: (lost: LostError) => void): Disposable {
  const told = (lost: LostError): void => {
    try {
      report(lost);
    } catch {
      // A throw in here would end the process: an error that cannot be reported is lost for good.
    }
  };
  const onException = (error: unknown, origin: "uncaughtException" | "unhandledRejection"): void => {
    const guest = guestNow();
    if (guest === undefined) told({ error, origin, operation: operationOf(error) });
    else tellGuest(guest, error, told);
  };
  const onRejection = (error: unknown): void => onException(error, "unhandledRejection");
  // The channel's only publisher is `reportLostError`.
  const onBackground = (lost: unknown): void => told(lost as LostError);
  process.on("uncaughtException", onException);
  process.on("unhandledRejection", onRejection);
  background.subscribe(onBackground);
  return {
    [Symbol.dispose]: () => {
      process.off("uncaughtException", onException);
      process.off("unhandledRejection", onRejection);
      background.unsubscribe(onBackground);
    },
  };
}

/** A guest that cannot be told is the host's defect. */
function tellGuest(guest: Guest, error: unknown, told: (lost: LostError) => void): void {
  try {
    guest.lost(error);
  } catch (failure) {
    told({ error: failure, origin: "uncaughtException", operation: operationOf(failure) });
  }
}

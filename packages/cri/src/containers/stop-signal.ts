import { Signal } from "../gen/runtime_v1_pb.ts";

const names = new Map<Signal, string>(
  Object.entries(Signal).map(([name, signal]) => [signal, name.replace("PLUS", "+").replace("MINUS", "-")]),
);
const signals = new Map<string, Signal>([...names].map(([signal, name]) => [name, signal]));

/** CRI's signal by the name Docker has for it, `SIGRTMIN+3`; undefined for the image's own. */
export function signalName(signal: Signal): string | undefined {
  return signal === Signal.RUNTIME_DEFAULT ? undefined : names.get(signal);
}

/** The other way round, as people write signals; a number, or what CRI has no word for, is told as if nothing was asked. */
export function criSignal(text: string): Signal {
  const name = text.toUpperCase();
  if (name === "") return Signal.SIGTERM;
  return signals.get(name.startsWith("SIG") ? name : `SIG${name}`) ?? Signal.RUNTIME_DEFAULT;
}

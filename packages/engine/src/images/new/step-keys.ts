import { createHash } from "node:crypto";
import type { ImageHistoryEntry, ImageManifest } from "@pouchcontainer/oci";
import type { ImageDocuments } from "../store/image-documents.ts";
import type { NewLayer } from "./new-image.ts";

/** On a manifest made here: what a build made the image's last steps of, a list of keys. */
const annotation = "io.pouchcontainer.build.steps";

/** What a step made: its place in the history, and its layer if it has one. */
export interface KnownStep {
  history: ImageHistoryEntry;
  layer: NewLayer | undefined;
}

/**
 * A step by what it was made of: the image its build began with, every step since, and itself. Two that have the same key make the
 * same image, but for what a command does differently each time.
 */
export function stepKey(begin: string, before: readonly string[], made: unknown): string {
  const text = JSON.stringify([before.at(-1) ?? begin, made]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

export function keysAnnotation(keys: readonly string[]): Record<string, string> {
  return { [annotation]: JSON.stringify(keys) };
}

export function keysOf({ annotations }: ImageManifest): string[] {
  try {
    const keys: unknown = JSON.parse(annotations?.[annotation] ?? "[]");
    return Array.isArray(keys) && keys.every((key) => typeof key === "string") ? keys : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** The step of this key, where it is one of the image's. */
export function stepOf({ manifest, config }: ImageDocuments, key: string): KnownStep | undefined {
  const keys = keysOf(manifest);
  const at = keys.indexOf(key);
  const { history: whole = [], rootfs } = config;
  const steps = whole.slice(whole.length - keys.length);
  const history = at === -1 || steps.length !== keys.length ? undefined : steps[at];
  if (history === undefined) return undefined;
  if (history.empty_layer === true) return { history, layer: undefined };
  const layersFromHere = steps.slice(at).filter(({ empty_layer: isEmpty }) => isEmpty !== true).length;
  const descriptor = manifest.layers.at(-layersFromHere);
  const diffId = rootfs.diff_ids.at(-layersFromHere);
  return descriptor && diffId ? { history, layer: { descriptor, diffId } } : undefined;
}

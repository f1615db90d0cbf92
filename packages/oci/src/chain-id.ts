import { digestOf, type Digest } from "./digest.ts";

/**
 * Chain ids of a stack of layers, bottom first: the n-th names the filesystem of layers 0…n (OCI image spec, `config.md`,
 * "Layer ChainID"). The first equals the first diff id.
 */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(`${parent} ${diffId}`));
  }
  return chain;
}

/** Chain id of the whole stack, empty for no layers. */
export function chainIdOf(diffIds: readonly Digest[]): string {
  return chainIdsOf(diffIds).at(-1) ?? "";
}

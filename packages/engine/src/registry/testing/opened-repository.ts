import type { RegistryCredentials } from "../credentials.ts";
import { openRepository, type OpenedRepository } from "../open-repository.ts";
import type { RegistrySettings } from "../open-repository.ts";

/** How a test reaches registries: no configuration, no waiting. */
export const testRegistrySettings: RegistrySettings = {
  userAgent: "pouch/test",
  env: {},
  clock: { now: () => Date.now(), sleep: async () => undefined },
};

/** A repository of a registry on loopback, closed at the end of the test's block. */
export async function openedRepository(
  domain: string,
  path: string,
  credentials?: RegistryCredentials,
  settings: Partial<RegistrySettings> = {},
): Promise<OpenedRepository & Disposable> {
  const repository = await openRepository({ ...testRegistrySettings, ...settings }, { domain, path }, credentials);
  return { ...repository, [Symbol.dispose]: () => repository.close() };
}

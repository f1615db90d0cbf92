import type { AuthConfig } from "@pouchcontainer/api";
import { deadlineExceeded, forbidden, invalidArgument } from "@pouchcontainer/errors";
import {
  formatReference,
  InvalidReferenceError,
  parseReference,
  withDefaultTag,
  type NamingDefaults,
  type Reference,
} from "@pouchcontainer/oci";
import { credentialsOf } from "../../registry/credentials.ts";
import { openRepository, type OpenedRepository, type RegistrySettings } from "../../registry/open-repository.ts";
import type { ProgressSink } from "../../registry/progress.ts";
import { pullErrorOf, RegistryError } from "../../registry/registry-error.ts";
import { describeArtifact, fetchArtifact, type FetchedPackage } from "./fetch-artifact.ts";
import { pushArtifact, type PushRequest } from "./push-artifact.ts";
import type { SignaturePolicy } from "./signature-policy.ts";
import type { ToldBeside } from "./told-beside.ts";

export interface PluginArtifactsOptions {
  registries: RegistrySettings;
  naming: NamingDefaults;
  signatures: SignaturePolicy;
  /** Milliseconds for one plugin, there or back. Default: 15 minutes. */
  timeoutMs?: number;
}

/** How a plugin is asked for, besides its reference. */
export interface PullOptions {
  auth?: AuthConfig;
  progress?: ProgressSink;
  /** See `FetchRequest`. */
  named?: (name: string) => void;
  signal?: AbortSignal;
}

const defaultTimeoutMs = 15 * 60_000;

/** Whether a source is `REGISTRY/NAME:TAG`, and no path and no npm package. */
export function isArtifactReference(source: string): boolean {
  return /^[^@./][^/]*\//.test(source);
}

/** Plugins in registries. */
export class PluginArtifacts {
  readonly #options: PluginArtifactsOptions;

  constructor(options: PluginArtifactsOptions) {
    this.#options = options;
  }

  get signatures(): SignaturePolicy {
    return this.#options.signatures;
  }

  /** The reference in full: with its registry, and with a tag or, where that is there, a digest, which does not move. */
  parse(text: string): Reference {
    try {
      const { domain, path, tag, digest } = withDefaultTag(parseReference(text, this.#options.naming));
      return { domain, path, ...(digest === undefined ? { ...(tag !== undefined && { tag }) } : { digest }) };
    } catch (error) {
      if (!(error instanceof InvalidReferenceError)) throw error;
      throw invalidArgument(`"${text}" is no REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST: ${error.message}`, { cause: error });
    }
  }

  /** Puts a plugin's package into a file that is not there yet. */
  async fetch(reference: Reference, options: PullOptions, file: string, mostBytes: number): Promise<FetchedPackage> {
    const { signatures, registries } = this.#options;
    const nobody = (): void => undefined;
    const { auth, progress = nobody, named = nobody } = options;
    return this.#with(reference, auth, options.signal, async ({ client }, signal) => {
      const deps = { client, clock: registries.clock, signatures, mostBytes };
      return fetchArtifact(deps, { reference, file, progress, named, signal });
    }).catch((error: unknown) => {
      throw pullErrorOf(error, reference, this.#options.naming, options.signal ?? new AbortController().signal);
    });
  }

  /** What a registry has of a plugin's package.json beside the package, to look at; undefined where other tools put nothing there. */
  async describe(reference: Reference, options: PullOptions): Promise<ToldBeside | undefined> {
    const { signatures, registries } = this.#options;
    return this.#with(reference, options.auth, options.signal, async ({ client }, signal) =>
      describeArtifact({ client, clock: registries.clock, signatures }, { reference, signal }),
    ).catch((error: unknown) => {
      throw pullErrorOf(error, reference, this.#options.naming, options.signal ?? new AbortController().signal);
    });
  }

  /** Where a push goes; throws where that is no tag. */
  target(text: string): PushRequest["reference"] {
    const { digest, tag, ...rest } = this.parse(text);
    if (digest !== undefined || tag === undefined)
      throw invalidArgument(`a plugin is pushed to REGISTRY/NAME:TAG, "${text}" has a digest`);
    return { ...rest, tag };
  }

  async push(request: PushRequest, auth: AuthConfig | undefined): Promise<void> {
    const { reference } = request;
    await this.#with(reference, auth, request.signal, async ({ uploader }, signal) =>
      pushArtifact({ uploader, clock: this.#options.registries.clock }, { ...request, signal }),
    ).catch((error: unknown) => {
      if (error instanceof RegistryError && (error.code === "DENIED" || error.code === "UNAUTHORIZED"))
        throw forbidden(`push to ${reference.domain}/${reference.path} refused: ${error.message}`, { cause: error });
      throw pullErrorOf(error, reference, this.#options.naming, request.signal);
    });
  }

  async #with<T>(
    reference: Reference,
    auth: AuthConfig | undefined,
    asked: AbortSignal | undefined,
    work: (repository: OpenedRepository, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { registries, timeoutMs = defaultTimeoutMs } = this.#options;
    const deadline = AbortSignal.timeout(timeoutMs);
    const repository = await openRepository(registries, reference, credentialsOf(auth));
    try {
      return await work(repository, asked === undefined ? deadline : AbortSignal.any([asked, deadline]));
    } catch (error) {
      if (!deadline.aborted || asked?.aborted === true) throw error;
      throw deadlineExceeded(`${formatReference(reference)} took longer than ${timeoutMs / 1000} s`, { cause: error });
    } finally {
      repository.close();
    }
  }
}

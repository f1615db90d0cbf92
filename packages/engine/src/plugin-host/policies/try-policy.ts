import type { PluginLog, PointName } from "@pouchcontainer/plugin-sdk";
import { cloneJson, parseManifest, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { PolicyPlugin } from "./policy-plugin.ts";
import type { PolicySection } from "./policy-schema.ts";

const quiet = (): void => undefined;
const log: PluginLog = { debug: quiet, info: quiet, warn: quiet, error: quiet };
export const context = { log, timeoutMs: 1000, signal: new AbortController().signal, container: { name: "web" } };

export function policy(section: unknown, points: PointName[] = ["container.preCreate"], pouch: object = {}): PolicyPlugin {
  return new PolicyPlugin(parseManifest({ name: "p", version: "1.0.0", pouch: { api: "1", points, ...pouch } }), section);
}

export function create(section: PolicySection, config: object = {}): unknown {
  const request: PointRequest<"container.preCreate"> = { config: sampleContainerConfig(cloneJson(config)) };
  return policy(section).invoke("container.preCreate", request, context).config;
}

export function valid(expression: string, config: object = {}): true {
  create({ validations: [{ expression }] }, config);
  return true;
}

/** What comes of an expression. */
export function made(expression: string, config: object = {}): unknown {
  const value = create(
    {
      mutations: [
        { patchType: "ApplyConfiguration", applyConfiguration: { expression: `{"Healthcheck": {"made": ${expression}}}` } },
      ],
    },
    config,
  );
  return (value as { Healthcheck: { made: unknown } }).Healthcheck.made;
}

/** What is said of an expression that is not true or fails. */
export const refused = (expression: string, config: object = {}): string => {
  try {
    valid(expression, config);
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail(`${expression} was not refused`);
};

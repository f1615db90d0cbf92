import { internal } from "@pouchcontainer/errors";
import type { PluginManifest, PluginPermissions, PointName } from "@pouchcontainer/plugin-sdk";
import { checkedAssistant, type PatchOperation, type PermissionFlag, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { uncoveredFields } from "./changed-fields.ts";
import { FieldPatterns } from "./field-patterns.ts";
import { mapEntriesAt } from "./map-entries.ts";
import type { ObservedPermissions } from "./observed-permissions.ts";
import { compileRoutes, routeChanges, routeText, type RouteCheck } from "./route-changes.ts";

/** One of the papers that have to allow what a plugin does. */
interface Limit {
  /** How a message calls it. */
  readonly called: string;
  readonly permissions: PluginPermissions;
  readonly fields: FieldPatterns;
  readonly routes: RouteCheck;
}

/** Where a path is asked for that leads nowhere, and never will. */
const nowhere = "/dev/null/the-permission-rootfs-is-not-granted";

/**
 * Holds what one plugin does at one point against what it may, and notes what it did that nobody has granted. Patterns are compiled here, once for an instance and
 * not for a call.
 */
export class PermissionGuard {
  readonly #point: PointName;
  readonly #limits: readonly Limit[];
  readonly #observed: ObservedPermissions;
  readonly #entries: FieldPatterns;

  constructor(point: PointName, manifest: PluginManifest, observed: ObservedPermissions) {
    this.#point = point;
    this.#observed = observed;
    this.#entries = mapEntriesAt(point);
    const { permissions, narrowed } = manifest;
    this.#limits = [
      ...(permissions === undefined ? [] : [limitOf(point, permissions, "pouch.permissions of its package.json")]),
      ...(narrowed === undefined ? [] : [limitOf(point, narrowed, "the operator's permissions for it")]),
    ];
  }

  /** The difference that it made in a body. */
  changed(before: unknown, after: unknown, patch: readonly PatchOperation[]): void {
    if (patch.length === 0) return;
    if (this.#limits.length === 0) this.#observed.fields(this.#point, before, after, patch);
    for (const { fields, called } of this.#limits) {
      const [field] = uncoveredFields({ patterns: fields, entries: this.#entries }, before, after, patch);
      if (field === undefined) continue;
      this.#observed.fields(this.#point, before, after, patch);

      throw this.#refused(`it changed ${shown(field)}`, field, `"${shown(field)}" in fields at ${this.#point}`, called);
    }
  }

  /** Whether a paper says what it may do; without one it may do all. */
  get isLimited(): boolean {
    return this.#limits.length > 0;
  }

  /** The difference that it made in the table of routes. */
  rerouted(patch: readonly PatchOperation[]): void {
    for (const change of routeChanges(patch)) {
      const text = routeText(change);
      this.#observed.route(text);
      for (const { routes, called } of this.#limits)
        if (!routes(change)) throw this.#refused(`it asked to ${text}`, text, `"${text}" in routes`, called);
    }
  }

  /** That it does what one permission alone is for. */
  uses(flag: PermissionFlag, what: string): void {
    this.#observed.flag(flag);
    const limit = this.#limitOn(flag);
    if (limit !== undefined) throw this.#refused(what, flag, `"${flag}": true`, limit.called);
  }

  /** A request with functions and paths in it that do nothing but what the plugin may do. */
  limited<P extends PointName>(request: PointRequest<P>): PointRequest<P> {
    // The point says what members its request has.
    switch (this.#point) {
      case "daemon.preStartHook":
      case "daemon.preStopHook": {
        const { supervisor } = request as PointRequest<"daemon.preStartHook">;
        const start: typeof supervisor.start = async (asked) => {
          const process = checkedAssistant(asked);
          this.uses("assistants", `it asked for the assistant process ${process.name}`);
          return await supervisor.start(process);
        };
        return { ...request, supervisor: { start } };
      }
      case "image.postPull": {
        const { image } = request as PointRequest<"image.postPull">;
        const unpack: typeof image.unpack = async (into) => {
          this.uses("unpack", `it asked to unpack the image for ${into}`);
          await image.unpack(into);
        };
        const isUnpacked: typeof image.isUnpacked = (into) => image.isUnpacked(into);
        return { ...request, image: { ...image, unpack, isUnpacked } };
      }
      case "container.postUpdate":
        this.#observed.flag("rootfs");
        return this.#limitOn("rootfs") === undefined ? request : { ...request, rootfs: nowhere };
      default:
        return request;
    }
  }

  #limitOn(flag: PermissionFlag): Limit | undefined {
    return this.#limits.find(({ permissions }) => permissions[flag] !== true);
  }

  /** The plugin's own fault, and not the client's: `internal`. */
  #refused(what: string, field: string, needed: string, called: string): Error {
    return internal(`${what} without a grant: ${called} would need ${needed}`, { details: { field } });
  }
}

/** Characters of a field's name in a message; a label's may have thousands. */
const shownCharacters = 256;

function shown(field: string): string {
  return field.length > shownCharacters ? `${field.slice(0, shownCharacters)}…` : field;
}

function limitOf(point: PointName, permissions: PluginPermissions, called: string): Limit {
  const { fields = {}, routes = [] } = permissions;
  return { called, permissions, fields: new FieldPatterns(fields[point] ?? []), routes: compileRoutes(routes) };
}

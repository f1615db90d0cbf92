import type { ContainerSummary, NetworkSettings, PortSummary } from "@pouchcontainer/api";
import type { ContainerRecord } from "../container-record.ts";
import { mountPointView } from "./mount-point-view.ts";
import { statusText } from "./status-text.ts";

/** What the list shows beside the record. */
export interface SummaryFacts {
  networkSettings: NetworkSettings;
  /** `Image` column: the reference, or the id when that name means another image now. */
  image: string;
  /** Further names: `/other/alias` of links. */
  linkNames?: readonly string[];
}

/** Under this key a summary carries its own JSON text; `JSON.stringify` does not see it. */
const jsonText = Symbol("JSON text of a summary");

interface Cached {
  record: ContainerRecord;
  networkSettings: NetworkSettings;
  image: string;
  status: string;
  summary: ContainerSummary;
}

/**
 * The entries of the container list, each made once and kept until its record, its network or its status text changes: most
 * requests for a list build nothing. Records and network settings are compared by identity, because they are never changed
 * in place.
 */
export class ContainerSummaries {
  readonly #cache = new Map<string, Cached>();

  summary(record: ContainerRecord, facts: SummaryFacts, now: bigint): ContainerSummary {
    const status = statusText(record.state, now);
    const known = this.#cache.get(record.id);
    const { networkSettings, image } = facts;
    const same =
      known?.record === record && known.networkSettings === networkSettings && known.image === image && known.status === status;
    if (known !== undefined && same && facts.linkNames === undefined) return known.summary;
    const summary = buildSummary(record, facts, status);
    this.#cache.set(record.id, { record, networkSettings, image, status, summary });
    return summary;
  }

  /** Forgets a removed container. */
  forget(id: string): void {
    this.#cache.delete(id);
  }
}

/** A summary as JSON; the text is made once and kept with it. */
export function summaryJson(summary: ContainerSummary): string {
  const carrier: ContainerSummary & { [jsonText]?: string } = summary;
  const known = carrier[jsonText];
  if (known !== undefined) return known;
  const text = JSON.stringify(summary);
  Object.defineProperty(carrier, jsonText, { value: text, enumerable: false });
  return text;
}

function buildSummary(record: ContainerRecord, facts: SummaryFacts, status: string): ContainerSummary {
  const { hostConfig } = record;
  const { Networks, Ports } = facts.networkSettings;
  const annotations = hostConfig.Annotations;
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...(facts.linkNames ?? [])],
    Image: facts.image,
    ImageID: record.image.id,
    Command: commandText(record),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portSummaries(Ports),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: status,
    HostConfig: {
      NetworkMode: hostConfig.NetworkMode ?? "",
      ...(annotations && Object.keys(annotations).length > 0 ? { Annotations: annotations } : {}),
    },
    NetworkSettings: { Networks },
    Mounts: record.mountPoints.map(mountPointView),
  };
}

/** The command line, arguments with spaces in single quotes as Docker shows them. */
function commandText({ path, args }: ContainerRecord): string {
  return [path, ...args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
}

function portSummaries(ports: NetworkSettings["Ports"]): PortSummary[] {
  return Object.entries(ports).flatMap(([port, places]): PortSummary[] => {
    const [number = "0", protocol = "tcp"] = port.split("/");
    const inside = { PrivatePort: Number(number), Type: protocol };
    if (!places || places.length === 0) return [inside];
    return places.map(({ HostIp, HostPort }) => ({ ...(HostIp ? { IP: HostIp } : {}), ...inside, PublicPort: Number(HostPort) }));
  });
}

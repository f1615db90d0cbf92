import type { RebuildReport } from "@pouchcontainer/engine";

/** What a rebuild of the store found, for the operator. */
export function rebuildReport(report: RebuildReport): string {
  const { rebuilt, volumesWithoutRecord, containersWithoutRecord, unreadable, setAside } = report;
  const lines = [
    ...Object.entries(rebuilt).map(([collection, count]) => `rebuilt: ${count} of ${collection}`),
    ...volumesWithoutRecord.map((name) => `volume ${name} has no record: it has its content, and no labels or options`),
    ...containersWithoutRecord.map((id) => `container ${id} has no record: the daemon will set it aside (pouch system orphans)`),
    ...unreadable.map((text) => `cannot be read, left out: ${text}`),
    ...setAside.map((path) => `the database of before is ${path}`),
    "the store is made anew: start pouchd",
  ];
  return `${lines.join("\n")}\n`;
}

import { legibleLine } from "@pouchcontainer/errors";
import { CliError, messageOf } from "../cli-error.ts";
import type { TemplateFunction } from "../template/functions.ts";
import { Template } from "../template/template.ts";
import { writeData, type Output } from "./output.ts";
import { alignColumns } from "./tabwriter.ts";

/** Placeholder → its value for one row. A field that is a function is a placeholder that takes arguments (`.Label "x"`). */
export type Row = Readonly<Record<string, unknown>>;

export interface Listing<T> {
  /** Every placeholder and the heading of its column. */
  headings: Readonly<Record<string, string>>;
  /** The template of the default table, without the word `table`. */
  table: string;
  /** What `--quiet` prints. */
  quiet: string;
  row(item: T): Row;
}

export interface ListingOptions {
  format: string | undefined;
  quiet: boolean;
}

/** Prints items as Docker's `--format` asks: a table, a table with a template, a template per line, or JSON per line. */
export function printListing<T>(out: Output, listing: Listing<T>, items: readonly T[], options: ListingOptions): void {
  const text = formatListing(listing, items, options);
  if (templateOf(listing, options).asTable) out.write(text);
  else writeData(out, text);
}

export function formatListing<T>(listing: Listing<T>, items: readonly T[], options: ListingOptions): string {
  const { asTable, source } = templateOf(listing, options);
  const template = compile(source);
  const rowOf = (item: T): Row => sortKeys(asTable ? inCells(listing.row(item)) : listing.row(item));
  const rows = items.map((item) => `${render(template, rowOf(item))}\n`);
  if (!asTable) return rows.join("");
  const heading = `${render(new Template(template, { functions: headingFunctions }), headingRow(listing.headings))}\n`;
  return alignColumns(heading + rows.join(""));
}

/** No value begins a line or a cell of its own. */
function inCells(row: Row): Row {
  const inCell = (value: unknown): unknown => {
    if (typeof value === "string") return legibleLine(value);
    return typeof value === "function" ? (...args: unknown[]) => inCell(value(...args)) : value;
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, inCell(value)]));
}

/** `{{json .}}` lists placeholders by name. */
function sortKeys(row: Row): Row {
  return Object.fromEntries(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function templateOf<T>(listing: Listing<T>, { format, quiet }: ListingOptions): { asTable: boolean; source: string } {
  const given = format === undefined || format === "" ? "table" : format;
  const asTable = /^table\b/.test(given);
  if (quiet && (given === "table" || asTable)) return { asTable: false, source: listing.quiet };
  if (given === "json") return { asTable: false, source: "{{json .}}" };
  if (given === "raw") return { asTable: false, source: rawTemplate(listing.headings) };
  if (!asTable) return { asTable, source: unescape(given) };
  const rest = unescape(given.slice("table".length)).replace(/^[ \t]+/, "");
  return { asTable, source: rest === "" ? listing.table : rest };
}

/** `\t` and `\n` typed in a shell stand for a tab and a line end. */
function unescape(format: string): string {
  return format.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

function rawTemplate(headings: Readonly<Record<string, string>>): string {
  return Object.keys(headings)
    .map((name) => `${name.toLowerCase()}: {{.${name}}}\n`)
    .join("");
}

export function compile(source: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw new CliError(`failed to parse template: template: :1: ${messageOf(error)}`);
  }
}

function render(template: Template, row: Row): string {
  try {
    return template.render(row);
  } catch (error) {
    const known = Object.keys(row).filter((name) => typeof row[name] !== "function");
    throw new CliError(`failed to execute template: template: :1: ${messageOf(error)}`, {
      hint: `Placeholders here: ${known.map((name) => `.${name}`).join(" ")}`,
    });
  }
}

function headingRow(headings: Readonly<Record<string, string>>): Row {
  return { ...headings, Label: (name: unknown) => labelHeading(String(name)) };
}

/** `com.example.disk-type` → `disk type`. */
function labelHeading(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1).replaceAll(/[-_]/g, " ");
}

const same: TemplateFunction = (value) => value;

/** In the heading line functions leave the names of columns alone. */
const headingFunctions: Readonly<Record<string, TemplateFunction>> = {
  json: same,
  title: same,
  lower: same,
  upper: (value) => String(value).toUpperCase(),
  truncate: same,
  split: same,
  join: same,
  pad: same,
};

import { CliError } from "../cli-error.ts";

/** `linux/arm64/v8` as the OCI platform object some image routes take as JSON. */
export function platformQuery(given: string | undefined): string | undefined {
  if (given === undefined || given === "") return undefined;
  const [os, architecture, variant, ...more] = given.split("/");
  if (os === undefined || os === "" || more.length > 0)
    throw new CliError(`invalid platform "${given}": write os[/arch[/variant]], for example linux/arm64`);
  return JSON.stringify({
    os,
    ...(architecture === undefined ? {} : { architecture }),
    ...(variant === undefined ? {} : { variant }),
  });
}

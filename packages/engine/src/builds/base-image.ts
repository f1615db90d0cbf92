import { notFound } from "@pouchcontainer/errors";
import type { Draft } from "../images/new/image-drafts.ts";
import type { StoredImage } from "../images/store/image-store.ts";
import type { BuildRequest } from "./build-deps.ts";
import type { BuildRoom } from "./build-room.ts";

/** An image that a build begins with or copies from; it is pulled where it is missing, or asked for. */
export async function baseImage(room: BuildRoom, ref: string, platform: string | undefined): Promise<Draft> {
  const { deps, request, drafts, signal } = room;
  const here = request.pull ? undefined : await deps.images.findForBuild(ref, platform);
  return await drafts.begin(here ?? (await pulled(room, ref, platform)), signal);
}

async function pulled(
  { deps, request, output, signal }: BuildRoom,
  ref: string,
  platform: string | undefined,
): Promise<StoredImage> {
  const { images } = deps;
  const auth = credentialsFor(images.registryOf(ref), request.credentials);
  const pull = {
    reference: ref,
    ...(isTagged(ref) ? {} : { tag: "latest" }),
    ...(platform && { platform }),
    ...(auth && { auth }),
  };
  await images.pull(pull, (line) => output.progress(line), signal);
  const image = await images.findForBuild(ref, platform);
  if (image === undefined) throw notFound(`No such image: ${ref}`);
  return image;
}

const isTagged = (ref: string): boolean => /[:@][^/]*$/.test(ref);

/** Docker's own registry has an address of its own in the files of clients. */
const dockerHub = ["docker.io", "index.docker.io", "https://index.docker.io/v1/"];

function credentialsFor(
  domain: string,
  credentials: BuildRequest["credentials"],
): BuildRequest["credentials"][string] | undefined {
  const names = dockerHub.includes(domain) ? dockerHub : [domain, `https://${domain}`, `http://${domain}`];
  return names.map((name) => credentials[name]).find((found) => found !== undefined);
}

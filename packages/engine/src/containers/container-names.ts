import { randomBytes, randomInt } from "node:crypto";
import type { ContainerRegistry } from "./container-registry.ts";

const adjectives = (
  "able agile amber bold brave bright brisk calm clever cosmic curious daring eager early fair fancy fast fine gentle glad grand " +
  "happy honest humble jolly keen kind lively lucky mellow merry mighty modest neat nimble noble patient polite proud quick quiet " +
  "rapid ready sharp shiny silent smart snug solid steady sunny swift tidy tough vivid warm wise witty young zesty"
).split(" ");
const animals = (
  "kangaroo koala wombat wallaby possum quokka numbat bilby glider opossum badger beaver bison camel crane dolphin eagle falcon ferret finch " +
  "fox gecko gibbon heron ibex ibis jackal jaguar lark lemur lynx marmot marten mole moose newt otter owl panda pelican puffin " +
  "raven robin salmon seal shrew sparrow stork swan tapir tern thrush toad trout turtle viper walrus weasel wolf wren yak zebra"
).split(" ");

export function newContainerId(): string {
  return randomBytes(32).toString("hex");
}

/** A name nobody has, for a container whose maker gave none. */
export function madeUpName(registry: Pick<ContainerRegistry, "isNameFree">): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${adjectives[randomInt(adjectives.length)]}_${animals[randomInt(animals.length)]}${attempt < 4 ? "" : randomInt(10_000)}`;
    if (registry.isNameFree(name)) return name;
  }
}

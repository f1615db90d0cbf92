import { makeFoldersSync } from "@pouchcontainer/owners";
import { apiVersions } from "@pouchcontainer/api";
import { decodeMetrics } from "@pouchcontainer/containerd";
import {
  BuildManager,
  checkDefaultBridge,
  checkLogDefaults,
  ContainerManager,
  createImageManager,
  decodeUpdate,
  EventBus,
  ExecManager,
  FifoKeeper,
  hostDevices,
  hostFacts,
  openNetworks,
  ProgramVersions,
  readMachine,
  Store,
  SystemManager,
  systemClock,
  systemMounter,
  VolumeManager,
  type ContainerRecord,
  type VolumeRecord,
} from "@pouchcontainer/engine";
import { FileWorkers } from "@pouchcontainer/files";
import { HttpServer } from "@pouchcontainer/http-server";
import { Linux } from "@pouchcontainer/linux";
import { parseNamingDefaults, platformOfHost } from "@pouchcontainer/oci";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { builtinPlugins } from "./builtin-plugins.ts";
import { claimNames, ownerNote } from "./compose/claim-names.ts";
import { holdContainerd } from "./compose/last-containerd.ts";
import { lockExecRoot } from "./compose/lock-exec-root.ts";
import type { OwnerLock } from "./compose/owner-lock.ts";
import { Closers } from "./compose/closers.ts";
import { containerSettings, logDrivers } from "./compose/container-settings.ts";
import { checkPrograms } from "./compose/check-programs.ts";
import { openContainerd, type Containerd } from "./compose/containerd.ts";
import { openCri } from "./compose/cri.ts";
import { checkStreaming } from "./compose/cri-streaming.ts";
import { closeStateFolders, makeStateFolders, refuseSharedFolders } from "./compose/state-folders.ts";
import { storeFile } from "./compose/store-file.ts";
import { namedThings } from "./compose/named-things.ts";
import { networkSettings } from "./compose/network-settings.ts";
import { openPlugins, orSafeMode } from "./compose/plugins.ts";
import { readPluginSet } from "./compose/plugin-set.ts";
import { pluginSignatures } from "./compose/plugin-signatures.ts";
import { openPodRoom } from "./compose/pods.ts";
import { refuseForeignFolders } from "./compose/refuse-foreign-folders.ts";
import { Starting } from "./compose/starting.ts";
import { listenAddresses } from "./compose/tls-material.ts";
import type { Configuration } from "./config/options.ts";
import { fileWorkerCommand } from "./file-worker-command.ts";
import { EventLoopStalls } from "./health/event-loop-stalls.ts";
import type { UncaughtErrors } from "./health/uncaught-errors.ts";
import type { Log } from "./log/log.ts";

export interface ComposeOptions {
  configuration: Configuration;
  log: Log;
  build: { version: string; commit: string; buildTime: string };
  environment: NodeJS.ProcessEnv;
  uncaughtErrors: UncaughtErrors;
  /** Calls the start off, whatever it waits for: it fails with the signal's reason, and what it opened is closed. */
  stopping: AbortSignal;
}

/** Builds the daemon from top to bottom; `close` runs in reverse. A failure half way closes what was opened. */
export async function compose(options: ComposeOptions): Promise<{ close(): Promise<void> }> {
  const closers = new Closers(options.log);
  try {
    await open(options, closers);
    return { close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** A start that failed leaves things as it found them: containers of the daemon before may run on. */
function letGo(lock: OwnerLock, running: (() => boolean) | undefined): void {
  if (running === undefined) lock.undo();
  else if (running()) lock.leaveNote();
  else lock.close();
}

async function open(options: ComposeOptions, closers: Closers): Promise<void> {
  const { configuration, log, build, environment, uncaughtErrors } = options;
  const starting = new Starting(options.stopping, log);
  // Before anything is made: what would be refused at the end is refused now.
  const addresses = listenAddresses(configuration, (message) => log.warn(message));
  checkStreaming(configuration, (message) => log.warn(message));
  const naming = parseNamingDefaults(configuration["default-registry"]);
  const settings = containerSettings(configuration, environment);
  const signatures = pluginSignatures(configuration);
  const networking = networkSettings(configuration);
  checkDefaultBridge(networking);
  checkLogDefaults(settings.config);
  checkPrograms(configuration, environment);
  const pluginSet = readPluginSet(configuration);
  const home = configuration["home-dir"];
  const execRoot = configuration["exec-root-dir"];
  refuseSharedFolders([home, execRoot]);
  const owner = ownerNote(home);
  const late: { containerd?: Containerd; server?: HttpServer; running?: () => boolean } = {};
  const claims = await starting.until("its turn to claim its names on this host", (calledOff) =>
    claimNames(namedThings(configuration), home, owner, { calledOff }),
  );
  closers.push("claimed names", () => (late.running ? claims.close(late.running()) : claims.undo()));
  // A daemon that runs is told by its claims, and who it is.
  refuseForeignFolders(configuration);
  makeStateFolders([home, execRoot]);
  const stalls = new EventLoopStalls();
  const clock = systemClock();
  const events = new EventBus({ clock });
  const registries = {
    certsDirectory: configuration["certs-dir"],
    insecureRegistries: configuration["insecure-registries"],
    userAgent: `pouch/${build.version}`,
    env: environment,
    clock: {
      now: () => Date.now(),
      sleep: (milliseconds: number, signal?: AbortSignal) => sleep(milliseconds, undefined, { signal }),
    },
  };

  const store = Store.open(storeFile(home), { warn: (message, fields) => log.warn(message, fields) });
  closers.push("the store", () => store.close());
  const records = store.containers<ContainerRecord>();
  holdContainerd(
    home,
    { namespace: configuration["default-namespace"], address: configuration.containerd },
    records.values().next().done !== true,
  );
  const execRootLock = await lockExecRoot(execRoot, { home, identity: store.identity, owner });
  closers.push("the exec root", () => letGo(execRootLock, late.running));
  closeStateFolders([home, execRoot], (message) => log.warn(message));

  const plugins = await openPlugins({
    configuration,
    log,
    environment,
    store,
    cgroupDriver: settings.spec.cgroupDriver,
    plugins: builtinPlugins,
    publish: (event) => events.publish(event),
    rebuildRoutes: async () => await late.server?.rebuild(),
    set: pluginSet,
    starting,
    registries,
    naming,
    signatures,
    version: build.version,
    verifiers: {
      "container.preCreate": async (config, { overCri = false }) => {
        await containers.checkCreate(config, overCri);
        if (!overCri) networks.manager.checkMode(config.HostConfig.NetworkMode);
      },
      "cri.preCreateContainer": (config) => containers.checkCreate(config, true),
      "container.preExec": (config) => exec.check(config),
      "volume.preVolumeCreate": (config) => volumes.check(config),
      "network.preCreate": (config) => networks.manager.check(config),
      "image.prePull": (request) => images.checkPull(request),
    },
    metrics: [uncaughtErrors, stalls],
  });
  closers.push("installed plugins", () => plugins.close());
  closers.push("assistant processes", () => plugins.assistants.stopAll());
  const chains = plugins.host;
  await starting.until("what plugins do at the daemon's start", (calledOff) => plugins.begin(calledOff));

  // What plugins began they end, whether containerd comes or not, and before it goes.
  closers.push("containerd", () => late.containerd?.close());
  closers.push("plugins", () => chains.preStopHook());
  const containerd = await starting.until("containerd", (calledOff) =>
    openContainerd({ configuration, log, environment, formerExecRoot: execRootLock.former, calledOff }),
  );
  late.containerd = containerd;
  const { client } = containerd;

  const networks = await starting.orLeave("networks", () =>
    openNetworks({
      config: networking,
      store,
      chains,
      events,
      containers: {
        find: (ref) => containers.forNetworks.find(ref),
        locked: (ref, work) => containers.forNetworks.locked(ref, work),
        saveEndpoints: (id, endpoints) => containers.forNetworks.saveEndpoints(id, endpoints),
      },
      env: environment,
      warn: (message) => log.warn(message),
    }),
  );
  // Without a running container nobody needs the bridges and the rules: the machine is left as it was found.
  closers.push("networks", () => (late.running?.() === false ? networks.destroy() : networks.close()));

  const snapshotter = configuration.snapshotter;
  const images = await starting.orLeave("what containerd has of images", () =>
    createImageManager({
      containerd: client,
      chains,
      events,
      snapshotter,
      naming,
      platform: platformOfHost(process),
      ...registries,
      maxConcurrentDownloads: configuration["max-concurrent-downloads"],
      maxConcurrentUploads: configuration["max-concurrent-uploads"],
      removal: (work) => store.removal(work),
      warn: (message) => log.warn(message),
      usedBy: (imageId) => containers.usingImage(imageId),
    }),
  );

  const views = join(execRoot, "views");
  makeFoldersSync(views, 0o700);
  const files = new FileWorkers(fileWorkerCommand(views));
  closers.push("file workers", () => files.close());

  const volumes = new VolumeManager({
    root: join(home, "volumes"),
    records: store.collection<VolumeRecord>("volumes"),
    chains,
    events,
    clock,
    mounter: systemMounter(),
    sizes: (folders) => files.sizesOf(folders),
    containersUsing: (name) => containers.usingVolume(name),
    warn: (message, fields) => log.warn(message, fields),
  });

  const linux = new Linux();
  const facts = hostFacts();
  const keeper = new FifoKeeper({
    makeFifo: (path) => linux.makeFifo(path),
    directory: execRoot,
    onUnavailable: (error) => log.warn("no keeper of pipes: output written while the daemon is dead may be lost", { error }),
  });
  closers.push("the keeper of pipes", () => keeper.close());
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const mountInfo = (): string => readFileSync("/proc/self/mountinfo", "utf8");
  const pods = openPodRoom({
    configuration,
    log,
    environment,
    store,
    events,
    records,
    containers: () => containers,
    chains,
    networks: networks.sandboxes,
    clock,
    boot,
    mountInfo,
    cgroupDriver: settings.spec.cgroupDriver,
    runc: settings.runtimes[settings.defaultRuntime] ?? "runc",
  });
  closers.push("pods", () => pods.manager.close());
  const containers: ContainerManager = new ContainerManager({
    containerd: client,
    records,
    images,
    chains,
    networks: pods.networks,
    volumes,
    files,
    events,
    clock,
    facts,
    configSettings: settings.config,
    specSettings: settings.spec,
    devices: hostDevices(),
    mountInfo,
    stdio: {
      makeFifo: (path) => linux.makeFifo(path),
      enlargePipe: (fd, sizeBytes) => linux.enlargePipe(fd, sizeBytes),
      keeper,
      ...(linux.direct && { journal: linux }),
      buffer: Buffer.allocUnsafeSlow(64 * 1024),
    },
    boot,
    ...(linux.direct && { isOpaqueDirectory: (path: string) => linux.isOpaqueDirectory(path) }),
    roots: { containers: join(home, "containers"), exec: join(execRoot, "containers") },
    runtime: settings.runtime,
    runtimeRoots: { bundles: containerd.bundles, states: settings.runtimeStates },
    defaultSnapshotter: snapshotter,
    decodeUpdate,
    decodeMetrics,
    log,
  });
  const exec = new ExecManager({ room: containers.room });
  closers.push("containers", () => containers.suspend());
  const builds = new BuildManager({
    images,
    containers,
    files,
    events,
    folder: join(home, "builds"),
    web: { env: environment, userAgent: registries.userAgent },
    warn: (message, fields) => log.warn(message, fields),
  });
  closers.push("builds", () => builds.close());
  await starting.orLeave("pods, containers and builds of the last run", async () => {
    await pods.recover();
    await containers.recover();
    await builds.recover();
  });
  late.running = () => containers.anythingRuns || pods.manager.list({ state: "ready" }).length > 0;
  starting.calledOff.throwIfAborted();
  pods.resume();

  const programs = new ProgramVersions();
  const system = new SystemManager({
    facts,
    machine: readMachine(),
    settings: {
      id: store.identity,
      ...build,
      apiVersion: apiVersions.maximum,
      minApiVersion: apiVersions.minimum,
      homeDirectory: home,
      snapshotter,
      debug: configuration.debug,
      safeMode: configuration["safe-mode"],
      labels: configuration.label,
      loggingDriver: configuration["log-driver"],
      logDrivers,
      networkDrivers: ["bridge", "host", "ipvlan", "macvlan", "null"],
      cgroupDriver: settings.spec.cgroupDriver,
      runtimes: settings.runtimes,
      defaultRuntime: settings.defaultRuntime,
      defaultCgroupnsMode: settings.config.defaultCgroupnsMode,
      ...(settings.spec.initPath !== undefined && { initPath: settings.spec.initPath }),
      liveRestore: true,
      insecureRegistries: configuration["insecure-registries"],
      registryMirrors: [],
      env: environment,
    },
    clock,
    events,
    programs,
    containerd: client,
    backup: () => store.backup(),
    storeIsOpen: () => Promise.resolve(),
    containers: {
      statuses: () => containers.room.registry.all.map(({ state }) => state.status),
      withSizes: () => containers.list({ all: true, size: true, filters: {} }),
    },
    images: {
      count: async () => (await images.list({ all: false, digests: false, sharedSize: false, filters: {} })).length,
      diskUsage: () => images.diskUsage(),
    },
    volumes,
    checkAuth: (auth) => images.checkAuth(auth),
  });

  const server = new HttpServer({
    backend: {
      containers,
      exec,
      images,
      builds,
      volumes,
      networks: networks.manager,
      system,
      orphans: containers.orphans,
      plugins: plugins.manager,
    },
    extraHandlers: plugins.routes,
    version: build.version,
    updateHandlers: (table) => chains.updateHandlers(table),
    tableServed: () => chains.routesServed(),
    allRead: (fd) => linux.allRead(fd),
    reportFailure: ({ error, request }) =>
      error.foreseen
        ? log.warn("a request failed", { request, error })
        : log.error("a request failed by a defect", { request, error }),
  });
  late.server = server;
  closers.push("the API", () => server.close());
  await starting.orLeave("what plugins make of the routes", () => orSafeMode(() => server.rebuild()));
  for (const address of addresses) await server.listen(address);
  const cri = await openCri({
    configuration,
    log,
    version: build.version,
    containerd: client,
    images,
    pods: pods.manager,
    containers,
    exec,
    events,
    chains,
    clock,
    facts,
    specSettings: settings.spec,
    runtimes: Object.keys(settings.runtimes),
  });
  closers.push("CRI", async () => await cri?.close());
  stalls.begin();
  closers.push("the watch on the event loop", () => stalls.stop());
  starting.done();
}

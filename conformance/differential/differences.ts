import type { ExpectedDifference } from "./expected-differences.ts";
import { toBeMended } from "./to-be-mended.ts";

/** Where our answers are not those of dockerd 20.10 (API 1.41), and why. */
export const differences: ExpectedDifference[] = [
  ...because("to be mended", toBeMended),
  ...because("ours speaks Docker's API up to 1.51", [
    { call: "*", field: "header.api-version", ours: '"1.51"', dockerd: '"1.41"' },
    { call: "GET */version*", field: "body.*ApiVersion", ours: '"1.51"', dockerd: '"1.41"' },
    { call: "GET */v9.99/version", field: "body.message", ours: "*is 1.51*", dockerd: "*is 1.41*" },
  ]),
  ...because("who answers, and in which build", [
    { call: "*", field: "header.server", ours: '"Pouch/*"', dockerd: '"Docker/20.10.*"' },
    { call: "GET */version*", field: "body.*Version", ours: '"0.1.0"', dockerd: '"20.10.*"' },
    { call: "GET */version*", field: "body.*BuildTime", ours: "*", dockerd: "*" },
    { call: "GET */version*", field: "body.*GitCommit", ours: "*", dockerd: "*" },
    { call: "GET */version*", field: "body.*GoVersion", ours: '"node*"', dockerd: '"go*"' },
    { call: "GET */version*", field: "body.Platform.Name", ours: '"PouchContainer"', dockerd: '""' },
    { call: "GET */info*", field: "body.ServerVersion", ours: "*", dockerd: "*" },
    { call: "GET */info*", field: "body.ID", ours: "*", dockerd: "*" },
  ]),
  ...because("the harness starts ours with --debug", [
    { call: "GET */info*", field: "body.Debug", ours: "true", dockerd: "false" },
  ]),
  ...because("newer than 20.10, there in all versions of the API: `docker build` must not look for BuildKit, there is no swarm", [
    { call: "* /_ping*", field: "header.builder-version", ours: '"1"', dockerd: "absent" },
    { call: "* /_ping*", field: "header.swarm", ours: '"inactive"', dockerd: "absent" },
  ]),
  ...because("newer than 20.10, there in all versions of the API", [
    { call: "GET */*", field: "body*.Networks.*.DNSNames", ours: "*", dockerd: "absent" },
    { call: "GET */*", field: "body*.Networks.*.GwPriority", ours: "0", dockerd: "absent" },
    { call: "GET */*", field: "body.HostConfig.MaskedPaths.10", ours: '"/sys/devices/virtual/powercap"', dockerd: "absent" },
    { call: "GET */networks*", field: "body.*EnableIPv4", ours: "true", dockerd: "absent" },
    { call: "events", field: "events.container die *.Actor.Attributes.execDuration", ours: "*", dockerd: "absent" },
    { call: "GET */containers/*/json*", field: "body.HostConfig.RestartPolicy.Name", ours: '"no"', dockerd: '""' },
    { call: "GET */containers/*json*", field: "body.*HostConfig.NetworkMode", ours: '"bridge"', dockerd: '"default"' },
    { call: "GET */containers/web/json (created)", field: "body.HostConfig.Runtime", ours: '"runc"', dockerd: "absent" },
    {
      call: "GET */containers/*/json (*)",
      field: "body.NetworkSettings.Sandbox*",
      ours: '""',
      dockerd: '"*SandboxID of*"',
    },
    { call: "GET */info", field: "body.ExecutionDriver", ours: "absent", dockerd: '"<not supported>"' },
    { call: "GET */images/json (no version)", field: "body.*RepoDigests", ours: "[]", dockerd: "null" },
    { call: "GET */system/df (no version)", field: "body.Images.*RepoDigests", ours: "[]", dockerd: "null" },
    { call: "GET */info (no version)", field: "body.Containerd", ours: "*", dockerd: "absent" },
    { call: "GET */info (no version)", field: "body.*.Expected", ours: "absent", dockerd: "*" },
    { call: "GET */info (no version)", field: "body.RegistryConfig.AllowNondistributable*", ours: "absent", dockerd: "[]" },
    { call: "GET */info (no version)", field: "body.BridgeNf*", ours: "absent", dockerd: "*" },
    { call: "GET */info (no version)", field: "body.KernelMemory", ours: "absent", dockerd: "*" },
    { call: "GET */system/df*", field: "body.Containers.*.HostConfig.NetworkMode", ours: '"bridge"', dockerd: '"default"' },
    { call: "GET */containers/aged/json*", field: "body.HostConfig.Mounts.0.TmpfsOptions", ours: "absent", dockerd: "*" },
    { call: "GET */system/df*", field: "body.BuildCache", ours: "[]", dockerd: "null" },
  ]),
  ...because(
    "containers and images are in containerd's snapshots; Docker's are in its own graph driver unless it uses containerd",
    [
      { call: "GET */containers/*/json*", field: "body.Driver", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET *json*", field: "body.GraphDriver.Name", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET *json*", field: "body.GraphDriver.Data", ours: "null", dockerd: '{*"MergedDir":*' },
      { call: "GET */info*", field: "body.Driver", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET */info*", field: "body.DriverStatus.*", ours: "*", dockerd: "*" },
    ],
  ),
  ...because(
    "a snapshot's size is the blocks it takes on disk, as in a Docker that uses containerd; a graph driver adds up lengths",
    [
      { call: "GET *", field: "body.*Size", ours: "*", dockerd: "*" },
      { call: "GET *", field: "body.*SizeRootFs", ours: "*", dockerd: "*" },
      { call: "GET *", field: "body.*SizeRw", ours: "*", dockerd: "*" },
    ],
  ),
  ...because("what this engine has of drivers, runtimes and programs", [
    { call: "GET */info*", field: "body.Plugins.Log*", ours: "*", dockerd: "*" },
    { call: "GET */info*", field: "body.Plugins.Network.5", ours: "absent", dockerd: '"overlay"' },
    { call: "GET */info*", field: "body.Runtimes.runc.path", ours: '"/usr/sbin/runc"', dockerd: '"runc"' },
    { call: "GET */info*", field: "body.Runtimes.io.containerd.*", ours: "absent", dockerd: '{"path":"runc"}' },
    { call: "GET */info*", field: "body.InitBinary", ours: '"/usr/bin/tini-static"', dockerd: '"docker-init"' },
    { call: "GET */info*", field: "body.LiveRestoreEnabled", ours: "true", dockerd: "false" },
  ]),
  ...because("newer than 20.10: Docker dropped the oldest versions of the API, and answers those below 1.24 in JSON too", [
    { call: "GET */version*", field: "body.*MinAPIVersion", ours: '"1.22"', dockerd: '"1.12"' },
    { call: "GET */v1.11/version", field: "body", ours: '{"message":"*is 1.22,*"}', dockerd: '"*is 1.12,*\\n"' },
    {
      call: "GET */v1.11/version",
      field: "header.content-type",
      ours: '"application/json"',
      dockerd: '"text/plain; charset=utf-8"',
    },
    { call: "GET */v1.11/version", field: "header.x-content-type-options", ours: "absent", dockerd: '"nosniff"' },
    { call: "GET */v1.12/version", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("newer than 20.10: Docker's words of today, and 400 where it was 500", [
    { call: "*filters=*", field: "body.message", ours: "\"invalid filter '*'\"", dockerd: "\"Invalid filter '*'\"" },
    { call: "* /images/*nosuch*", field: "body.message", ours: '"No such image: nosuch:*"', dockerd: '"* image: nosuch*"' },
    {
      call: "* /images/*UPPER*",
      field: "body.message",
      ours: '"*repository name (library/UPPER) must*"',
      dockerd: '"*repository name must*"',
    },
    { call: "POST */images/busybox/tag*", field: "status", ours: "400", dockerd: "500" },
    {
      call: "DELETE */containers/*",
      field: "body.message",
      ours: '"cannot remove container*must be unpaused*"',
      dockerd: '"You cannot remove a paused container*"',
    },
    {
      call: "DELETE */containers/*",
      field: "body.message",
      ours: '"cannot remove container*is running*"',
      dockerd: '"You cannot remove a running container*"',
    },
    {
      call: "POST */containers/*/kill*",
      field: "body.message",
      ours: '"cannot kill container*"',
      dockerd: '"Cannot kill container*"',
    },
  ]),
  ...because("newer than 20.10: a bad request is 400, in Docker's words of today", [
    { call: "POST */containers/create (*)", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST */containers/create (*)",
      field: "body.message",
      ours: '"*Content-Type header*"',
      dockerd: '"Content-Type specified*"',
    },
    {
      call: "POST */containers/create?platform=*",
      field: "body.message",
      ours: '"*does not provide the specified*"',
      dockerd: '"*does not match the specified*"',
    },
    {
      call: "POST */containers/create (two networks)",
      field: "body.message",
      ours: '"*with multiple network*"',
      dockerd: '"*be connected to network*"',
    },
    {
      call: "POST */containers/create (image invalid)",
      field: "body.message",
      ours: '"*name (library/UPPER) must*"',
      dockerd: '"*name must*"',
    },
    { call: "POST */containers/*/copy", field: "header.*", ours: "*", dockerd: "*" },
    { call: "POST */containers/*/copy", field: "body", ours: '{"message":"page not found"}', dockerd: '""' },
    { call: "GET */v2/containers/json (no version)", field: "body.message", ours: '"*is 1.51"', dockerd: '"*is 1.41"' },
    {
      call: "POST */containers/*/kill?signal=NONSENSE",
      field: "body.message",
      ours: '"cannot kill container: * Invalid signal*"',
      dockerd: '"Invalid signal*"',
    },
  ]),
  ...because("newer than 20.10: the same in Docker's words of today, and 400 where it was 500", [
    {
      call: "* /containers/*",
      field: "body.message",
      ours: '"container <*> is not running"',
      dockerd: '"Container <*> is not running"',
    },
    {
      call: "POST */containers/*/kill?signal=*",
      field: "body.message",
      ours: '"cannot kill container: * Invalid signal*"',
      dockerd: '"Invalid signal*"',
    },
    { call: "POST */containers/*/kill?signal=*", field: "status", ours: "400", dockerd: "500" },
    { call: "POST */containers/life/wait?condition=nosuch", field: "status", ours: "400", dockerd: "200" },
    {
      call: "POST */containers/life/wait?condition=nosuch",
      field: "body.*",
      ours: "*",
      dockerd: "*",
    },
    {
      call: "POST */containers/*/start (*)",
      field: "body.message",
      ours: '"failed to create task for container: failed to create shim task: *"',
      dockerd: '"failed to create shim task: *"',
    },
    {
      call: "GET */containers/failing/json (*)",
      field: "body.State.Error",
      ours: '"failed to create task for container: failed to create shim task: *"',
      dockerd: '"failed to create shim task: *"',
    },
    {
      call: "* /exec/*",
      field: "body.message",
      ours: '"unsupported Content-Type header *"',
      dockerd: '"Content-Type specified *"',
    },
    {
      call: "* /containers/*/exec*",
      field: "body.message",
      ours: '"unsupported Content-Type header *"',
      dockerd: '"Content-Type specified *"',
    },
  ]),
  ...because("newer than 20.10: the words of an exec that ran", [
    {
      call: "POST /exec/<plain>/start (again)",
      field: "body.0",
      ours: '"stdout: exec command <plain> has already run*"',
      dockerd: '"stdout: Error: Exec command <plain> has already run*"',
    },
  ]),
  ...because("in a tar of images owners are numbers alone, and the kind of a file is in its own field alone", [
    { call: "GET /images/get", field: "body.0.*name", ours: '""', dockerd: '"root"' },
    { call: "GET /images/get", field: "body.0.mode", ours: "420", dockerd: "33188" },
  ]),
  ...because("a file whose name is no UTF-8 is in an archive like any other; dockerd leaves it out", [
    { call: "GET /containers/files/archive?path=/tmp/%FF.txt", field: "body.0", ours: "*", dockerd: "absent" },
  ]),
  ...because("what is no archive is called so; dockerd names a file that it looked for", [
    { call: "POST /images/load", field: "body.error*", ours: '"invalid archive: *"', dockerd: '"open *"' },
  ]),
  ...because("newer than 20.10: the exit code of an exec whose program is not there", [
    { call: "GET /exec/<missing>/json (missing)", field: "body.ExitCode", ours: "127", dockerd: "126" },
  ]),
  ...because("what a client got wrong is a 400 (docs/api-differences.md)", [
    { call: "POST /containers/running/exec (bad keys)", field: "status", ours: "400", dockerd: "500" },
  ]),
  ...because("newer than 20.10: Docker's words of today about networks", [
    {
      call: 'GET /networks?filters={"dangling":["*"]}',
      field: "body.message",
      ours: "\"invalid filter 'dangling=[*]'\"",
      dockerd: '"invalid value for filter \'dangling\', must be \\"true\\" (or \\"1\\"), or \\"false\\" (or \\"0\\")"',
    },
    {
      call: "DELETE /networks/subnet (in use)",
      field: "body.message",
      ours: '"error while removing network: network subnet has active endpoints (name:\\"member\\" id:\\"<id first seen in NetworkSettings.Networks.subnet.EndpointID of GET /containers/member/json (running):12>\\")"',
      dockerd: '"error while removing network: network subnet id <subnet> has active endpoints"',
    },
  ]),
  ...because("newer than 20.10: a filter that is yes or no, by true, false, 1 or 0, is refused when it is neither or both", [
    { call: '*filters={"dangling":["true","false"]}', field: "*", ours: "*", dockerd: "*" },
    { call: '*filters={"dangling":[]}', field: "*", ours: "*", dockerd: "*" },
    { call: '*filters={"dangling":null}', field: "*", ours: "*", dockerd: "*" },
    { call: '*filters={"is-task":["true","false"]} (both)', field: "*", ours: "*", dockerd: "*" },
    { call: 'GET /images/json?filters={"dangling":["1"]}', field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("a container has its short id as an alias from its first start on; docker-compose 1 looks for it", [
    {
      call: "GET /containers/member/json (created, connected)",
      field: "body.NetworkSettings.Networks.net.Aliases",
      ours: "null",
      dockerd: '["<member:12>"]',
    },
  ]),
  ...because("what a client got wrong about a network is a 400 or a 403 that says what", [
    { call: "POST /networks/create (no name)", field: "status", ours: "400", dockerd: "500" },
    { call: "POST /networks/create (no name)", field: "body.message", ours: '"Name is missing"', dockerd: '"invalid name: "' },
    { call: "POST /networks/subnet/connect (bad address)", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST /networks/subnet/connect (bad address)",
      field: "body.message",
      ours: '"invalid endpoint settings: invalid IPv4 address: junk"',
      dockerd: '"Invalid IPv4 address: junk)"',
    },
    { call: "POST /networks/create (bad subnet)", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST /networks/create (bad subnet)",
      field: "body.message",
      ours: '"invalid CIDR address: 10.99.0"',
      dockerd: '"Invalid subnet 10.99.0 : invalid CIDR address: 10.99.0"',
    },
    { call: "POST /networks/create (gateway outside)", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST /networks/create (gateway outside)",
      field: "body.message",
      ours: '"no matching subnet for gateway 10.97.0.1"',
      dockerd: '"failed to allocate gateway (10.97.0.1): Requested address is out of range"',
    },
    {
      call: "POST /networks/net/connect (nothing)",
      field: "body.message",
      ours: '"Container is missing"',
      dockerd: '"invalid name or ID supplied: \\"\\""',
    },
    { call: "POST /networks/inner/disconnect (again)", field: "status", ours: "403", dockerd: "500" },
  ]),
  ...because("dockerd tells twice that a running container was disconnected", [
    {
      call: "events",
      field: "events.network disconnect <inner> #2",
      ours: "absent",
      dockerd:
        '{"Action":"disconnect","Actor":{"Attributes":{"container":"<member>","name":"inner","type":"bridge"},"ID":"<inner>"},"Type":"network","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
    },
    {
      call: "events",
      field: "events.network disconnect <net> #3",
      ours: "absent",
      dockerd:
        '{"Action":"disconnect","Actor":{"Attributes":{"container":"<member>","name":"net","type":"bridge"},"ID":"<net>"},"Type":"network","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
    },
  ]),
  ...because("who asks for its connection and gets an ordinary answer has had it", [
    { call: "POST /exec/<input>/start", field: "header.connection", ours: '"close"', dockerd: "absent" },
  ]),
  ...because("newer than 20.10: output says what it is", [
    { call: "GET */logs?*", field: "header.content-type", ours: '"application/vnd.docker.raw-stream"', dockerd: "absent" },
  ]),
  ...because("newer than 20.10: a volume that is there already is not created again", [
    {
      call: "events",
      field: "events.volume create data #3",
      ours: "absent",
      dockerd:
        '{"Action":"create","Actor":{"Attributes":{"driver":"local"},"ID":"data"},"Type":"volume","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
    },
    {
      call: "events",
      field: "events.volume create data #4",
      ours: "absent",
      dockerd:
        '{"Action":"create","Actor":{"Attributes":{"driver":"local"},"ID":"data"},"Type":"volume","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
    },
    { call: "events", field: "events.volume create data #2", ours: "absent", dockerd: "*" },
  ]),
  ...because("what is no JSON or of another type is a 400 that names the field; dockerd's words are those of Go's decoder", [
    { call: "*(*no JSON*)", field: "status", ours: "400", dockerd: "500" },
    { call: "*(*no JSON*)", field: "body.message", ours: '"*"', dockerd: '"*"' },
    { call: "*(*wrong type*)", field: "status", ours: "400", dockerd: "500" },
    { call: "*(*wrong type*)", field: "body.message", ours: '"*"', dockerd: '"*"' },
    { call: "POST */containers/*?t=*", field: "status", ours: "400", dockerd: "500" },
    { call: "POST */containers/*?t=*", field: "body.message", ours: '"the query parameter t *"', dockerd: '"strconv.*"' },
    { call: "POST */resize*", field: "body.message", ours: '"the query parameter h *"', dockerd: '"strconv.*"' },
    { call: "POST */resize?h=-1*", field: "*", ours: "*", dockerd: "*" },
    { call: "events", field: "events.container resize <life>*", ours: "*", dockerd: "*" },
    { call: "GET */* (no time)", field: "status", ours: "400", dockerd: "500" },
    { call: "GET */* (no time)", field: "body.message", ours: '"the query parameter *"', dockerd: '"strconv.*"' },
    { call: "GET */logs?*=x", field: "status", ours: "400", dockerd: "500" },
    { call: "GET */logs?*=x", field: "body.message", ours: '"the query parameter *"', dockerd: '"strconv.*"' },
    {
      call: "* (seccomp)",
      field: "body.*",
      ours: '"Decoding seccomp profile failed: *"',
      dockerd: '"Decoding seccomp profile failed: *"',
    },
    { call: "*limit=*", field: "status", ours: "400", dockerd: "500" },
    { call: "*limit=*", field: "body.message", ours: '"*"', dockerd: '"strconv.*"' },
    { call: "*filters=*", field: "status", ours: "400", dockerd: "500" },
    { call: "*filters=*", field: "body.message", ours: '"invalid filter: *"', dockerd: '"json: cannot*"' },
    { call: "GET */events?*=x*", field: "status", ours: "400", dockerd: "500" },
    { call: "GET */events?*=x*", field: "body.message", ours: '"*"', dockerd: '"*"' },
    { call: "*filters=nonsense", field: "body.message", ours: '"invalid filter: *"', dockerd: '"*invalid character*"' },
  ]),
  ...because("where a namespace of the network is mounted is each engine's own affair", [
    {
      call: "GET */containers/*/json*",
      field: "body.NetworkSettings.SandboxKey",
      ours: '"<directory>/run/netns/*"',
      dockerd: '"<directory>/exec/netns/*"',
    },
    {
      call: "GET /containers/bare/json (host, r*)",
      field: "body.NetworkSettings.SandboxKey",
      ours: '"/proc/1/ns/net"',
      dockerd: '"<directory>/exec/netns/default"',
    },
    {
      call: "GET /containers/bare/json (host, exited)",
      field: "body.NetworkSettings.SandboxKey",
      ours: '""',
      dockerd: '"<directory>/exec/netns/default"',
    },
  ]),
  ...because("dockerd leaves the gateway of its bridge out until it was started once more", [
    { call: "GET */networks*", field: "body.*IPAM.Config.0.Gateway", ours: '"172.17.0.1"', dockerd: "absent" },
  ]),
  ...because("the time a name was given is known of loaded images too, as in a Docker that uses containerd", [
    {
      call: "GET */images/*/json*",
      field: "body.Metadata.LastTagTime",
      ours: '"<time.fractionZ>"',
      dockerd: '"0001-01-01T00:00:00Z"',
    },
  ]),
  ...because("docker-compose 1 needs ContainerConfig with the values of Config (docs/api-differences.md)", [
    { call: "GET */images/*/json*", field: "body.ContainerConfig.*", ours: "*", dockerd: "*" },
    { call: "GET */images/*/json*", field: "body.Container", ours: "absent", dockerd: '""' },
  ]),
  ...because("newer than 20.10: Docker checks it at create now", [
    { call: "POST */containers/create (* junk)", field: "status", ours: "400", dockerd: "201" },
    { call: "POST */containers/create (* junk)", field: "body.message", ours: '"invalid * mode: junk"', dockerd: "absent" },
  ]),
  ...because("PouchContainer's own: what could never start is refused at create, so that no container is left of it", [
    { call: "POST */containers/create (*)", field: "status", ours: "400", dockerd: "201" },
    { call: "POST */containers/create (*)", field: "body.message", ours: '"*"', dockerd: "absent" },
    { call: "POST */containers/create (*)", field: "body.Id", ours: "absent", dockerd: "*" },
    { call: "POST */containers/create (*)", field: "body.Warnings", ours: "absent", dockerd: "*" },
  ]),
  ...because("a connection that asked to be taken over ends with the answer that refuses it", [
    { call: "GET */containers/socket/attach/ws* (bad keys)", field: "header.connection", ours: '"close"', dockerd: "absent" },
  ]),
  ...because("of builds: a context from git is refused, and what is missing in a request is the client's mistake", [
    { call: "POST */build?remote=nosuch", field: "*", ours: "*", dockerd: "*" },
    { call: "POST */build/cancel", field: "status", ours: "400", dockerd: "*" },
  ]),
  ...because("what is not there and says so (docs/api-differences.md)", [
    { call: "GET */distribution/*", field: "*", ours: "*", dockerd: "*" },
    { call: "GET */images/search", field: "*", ours: "*", dockerd: "*" },
    { call: "POST */swarm/init", field: "*", ours: "*", dockerd: "*" },
    { call: "POST */swarm/join", field: "*", ours: "*", dockerd: "*" },
    { call: "POST */session", field: "*", ours: "*", dockerd: "*" },
    { call: "GET */debug/vars (no version)", field: "*", ours: "*", dockerd: "*" },
    {
      call: "POST */containers/create (StorageOpt*)",
      field: "body.message",
      ours: '"--storage-opt is not supported*"',
      dockerd: '"*"',
    },
  ]),
  ...because("plugins ask to be granted nothing, and no registry is asked (docs/api-differences.md)", [
    { call: "GET */plugins/privileges*", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("two slashes are one; dockerd redirects (docs/api-differences.md)", [
    { call: "GET */containers/json*two slashes*", field: "*", ours: "*", dockerd: "*" },
    { call: "GET */containers//json", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("newer than 20.10: a tar of a container has numbers for owners, no names", [
    { call: "GET */containers/*/archive*", field: "body.*name", ours: '""', dockerd: '"*"' },
  ]),
  ...because("the files a start mounts over /etc/hosts and its like are made at the start, by the runtime, not at create", [
    { call: "GET */containers/files/archive?path=/etc/ (mount points)", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("dockerd's words have no blank, or a path of the host", [
    {
      call: "* */containers/files/archive*",
      field: "body.message",
      ours: '"bad parameter: path cannot be empty"',
      dockerd: '"bad parameter: pathcannot be empty"',
    },
    {
      call: "GET */containers/files/archive?path=/etc/passwd/ (*)",
      field: "body.message",
      ours: '"lstat /etc/passwd/: not a directory"',
      dockerd: '"lstat <home>/*/etc/passwd/: not a directory"',
    },
  ]),
  ...because("newer than 20.10: 400 where it was 500", [
    { call: "PUT */containers/*/archive*", field: "status", ours: "400", dockerd: "500" },
  ]),
  ...because(
    "a HostConfig that comes with the start gets the defaults of one that comes with create: dockerd leaves kernel files open",
    [
      { call: "GET */containers/late/json (*)", field: "body.HostConfig.Dns*", ours: "null", dockerd: "[]" },
      { call: "GET */containers/late/json (*)", field: "body.HostConfig.*Paths", ours: "*", dockerd: "null" },
    ],
  ),
  ...because("newer than 20.10: errors are JSON for the oldest clients too", [
    { call: "POST */v1.23/*", field: "header.*", ours: "*", dockerd: "*" },
    { call: "POST */v1.23/*", field: "body", ours: '{"message":*', dockerd: "*" },
  ]),
  ...because("newer than 20.10: limits beside the image's name are none any more", [
    { call: "GET */containers/aged/json (no version*)", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("newer than 20.10: Docker's words of today for a body that is no JSON", [
    {
      call: "POST */volumes/create (*)",
      field: "body.message",
      ours: '"unsupported Content-Type header *"',
      dockerd: '"Content-Type specified *"',
    },
  ]),
  ...because("the working folder is made at the start, by the runtime, not at create", [
    { call: "POST */containers/create (work dir over a file)", field: "*", ours: "*", dockerd: "*" },
  ]),
  ...because("a bind's source that is below a file is refused before the runtime, with the source's path", [
    { call: "POST */containers/failing/start (a source below a file)", field: "*", ours: "*", dockerd: "*" },
    { call: "GET */containers/failing/json (a source below a file)", field: "body.State.E*", ours: "*", dockerd: "*" },
  ]),
  ...because("the log is there before what is told of a start that fails early", [
    { call: "GET */containers/failing/json (*)", field: "body.LogPath", ours: '"<home>/containers/*-json.log"', dockerd: '""' },
  ]),
  ...because("dockerd tells of the end of containers whose beginning it did not tell, when a create fails late", [
    { call: "events", field: "events.container destroy <id first seen in Actor.ID of events>*", ours: "absent", dockerd: "*" },
  ]),
  ...because("newer than 20.10: a wait says what went wrong only when something did", [
    { call: "POST */wait*", field: "body.Error", ours: "absent", dockerd: "null" },
  ]),
  ...because("newer than 20.10: from API 1.50 on an image's configuration is no container's", [
    { call: "GET */images/*/json (no version)", field: "body.Config.*", ours: "absent", dockerd: "*" },
  ]),
  ...because("newer than 20.10: what a missing body is called", [
    { call: "POST */exec (nothing)", field: "body.message", ours: '"invalid JSON: got EOF *"', dockerd: '"got EOF *"' },
  ]),
  ...because("an address that is none is the client's mistake, and is told with what would be one", [
    { call: "POST */images/create", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST */images/create",
      field: "body.message",
      ours: '"fromImage must name the image to pull, or *"',
      dockerd: '"Get *"',
    },
    { call: "POST */images/create?fromSrc=nosuch*", field: "status", ours: "400", dockerd: "500" },
    {
      call: "POST */images/create?fromSrc=nosuch*",
      field: "body.message",
      ours: '"fromSrc: nosuch://x is neither *"',
      dockerd: '"Get *"',
    },
  ]),
  ...because("PouchContainer's own", [
    { call: "GET */containers/*/json*", field: "body.Snapshotter", ours: '"overlayfs"', dockerd: "absent" },
    { call: "POST */containers/create*", field: "body.Name", ours: "*", dockerd: "absent" },
  ]),
];

function because(reason: string, rows: Omit<ExpectedDifference, "reason">[]): ExpectedDifference[] {
  return rows.map((row) => ({ ...row, reason }));
}

export { ConnectionServer, type ConnectionServerOptions } from "./connection-server.ts";
export { joinConnections, openConnection, ownConnection } from "./connection.ts";
export { DatagramSocket, type DatagramOptions, type Peer } from "./datagram-socket.ts";
export { inBackground } from "./in-background.ts";
export { catchLostErrors, type LostError } from "./lost-errors.ts";
export { noticeHangup } from "./notice-hangup.ts";
export { duringOperation, type Operation } from "./operation.ts";
export { lastWords, outcomeOf, programOutcome, runProgram, type Outcome, type RunOptions } from "./run-program.ts";
export { startProgram, type Ending, type StartedProgram, type StartOptions } from "./start-program.ts";

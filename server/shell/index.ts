export {
  type CallOptions,
  type Command,
  type CommandIo,
  type ShellFiles,
  type ShellWorld,
  UsageError,
} from './command.ts';
export * from './flags.ts';
export { createPipe, readAll, readLines, type TextPipe, textPipe } from './language/pipe.ts';
export { createShell, type Shell, type ShellIo } from './language/shell.ts';
export type { CurlContext } from './programs/curl/context.ts';
export { CURL_FLAGS, CURL_MANUAL } from './programs/curl/flags.ts';
export { runCurl } from './programs/curl/index.ts';
export { FORTIO_MANUAL, runFortio } from './programs/fortio.ts';
export { type Chain, type ChainError, judgeChain } from './programs/openssl/chain.ts';
export { OPENSSL_MANUAL, opensslCommand } from './programs/openssl/index.ts';
export { type Certificate as ParsedCertificate, readCertificates } from './programs/openssl/objects.ts';
export { differences } from './programs/text/diff.ts';
export { textCommands } from './programs/text/index.ts';

// The process in which scripts/warm-sandbox.ts starts a mesh. It plays both ends of the channel between the lab server and a sandbox.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import type { FromSandbox, ToSandbox } from '../server/api/protocol.ts';

const [, , program = '', subnet = ''] = process.argv;
const source = readFileSync(program, 'latin1');
const script = new Script(source, { filename: program });
const digest = /^\/\/ (\w+)\n/.exec(source)?.[1] ?? '';
const run = script.runInThisContext() as (require: NodeJS.Require) => Promise<void>;

const start: ToSandbox = { kind: 'start', lab: 'bookinfo', subnet: Number(subnet), saved: undefined };
process.send = (message: FromSandbox) => {
  if (message.kind === 'started') {
    const draft = `${program}.v8.${process.pid}`;
    writeFileSync(draft, Buffer.concat([Buffer.from(digest), script.createCachedData()]));
    renameSync(draft, `${program}.v8`);
    process.exit(0);
  }
  if (message.kind === 'failed') {
    console.error(message.message);
    process.exit(1);
  }
  return true;
};
await run(createRequire(program));
process.emit('message', start, undefined);

import type { NameAnswer, NameRecord } from '#domain';
import { type Command, UsageError } from '#shell';
import { lookUp, type Resolved, searched } from '../network/stub-resolver.ts';
import type { PodWorld } from './pod-world.ts';

/** What a pod's resolv.conf names; capture leads questions to it elsewhere without a trace. */
const NAME_SERVER = '10.96.0.10';

const command = (name: string, run: Command<PodWorld>['run']): Command<PodWorld> => ({
  name,
  summary: 'resolve a name',
  manual: name,
  run,
});

const addressesOf = ({ ask, pod }: PodWorld, host: string): Resolved => lookUp(ask, host, pod.namespace);

const nslookup = command('nslookup', async (args, io, world) => {
  const name = args.find((arg) => !arg.startsWith('-'));
  if (name === undefined) throw new UsageError('usage: nslookup NAME');
  io.out(`Server:\t\t${NAME_SERVER}\nAddress:\t${NAME_SERVER}:53\n\n`);
  const found = addressesOf(world, name);
  for (const ip of found.addresses) io.out(`Name:\t${found.name}\nAddress: ${ip}\n`);
  if (found.addresses.length > 0) return 0;
  io.out(`** server can't find ${name}: ${found.code === 'NOERROR' ? 'No answer' : found.code}\n`);
  return 1;
});

const host = command('host', async (args, io, world) => {
  const name = args.find((arg) => !arg.startsWith('-')) ?? '';
  const found = addressesOf(world, name);
  for (const ip of found.addresses) io.out(`${found.name} has address ${ip}\n`);
  if (found.addresses.length > 0) return 0;
  if (found.code !== 'NOERROR') io.out(`Host ${name} not found: ${found.code === 'NXDOMAIN' ? 3 : 2}(${found.code})\n`);
  return found.code === 'NOERROR' ? 0 : 1;
});

const getent = command('getent', async ([database, name = ''], io, world) => {
  const asked = database === 'hosts' || database === 'ahosts';
  const addresses = asked ? addressesOf(world, name).addresses : [];
  for (const ip of addresses) io.out(`${ip}    ${name}\n`);
  return addresses.length === 0 ? 2 : 0;
});

const TYPES = /^(?:A|AAAA|ANY|CNAME|MX|NS|PTR|SOA|SRV|TXT)$/i;

/** Asks for the name as it is, unless `+search` is given. */
const dig = command('dig', async (args, io, { ask, pod }) => {
  const words = args.filter((arg) => !/^[-+@]/.test(arg) && arg.toUpperCase() !== 'IN');
  const type = words.find((word) => TYPES.test(word))?.toUpperCase() ?? 'A';
  const given = words.find((word) => !TYPES.test(word)) ?? '.';
  const names = args.includes('+search') ? searched(given, pod.namespace) : [given.replace(/\.$/, '')];
  const answers = names.map((name) => ({ name, ...ask(name, type) }));
  const answer = answers.find(({ records }) => records.length > 0) ?? answers.at(-1)!;
  if (args.includes('+short')) for (const { type: kind, value } of answer.records) io.out(`${withDot(kind, value)}\n`);
  else io.out(digText(answer, { given, type }));
  return 0;
});

const withDot = (type: NameRecord['type'], value: string): string => (type === 'CNAME' ? `${value}.` : value);

/** Header, question and answer, as dig prints them. */
function digText(
  { name, code, authoritative, records }: NameAnswer & { readonly name: string },
  { given, type }: { readonly given: string; readonly type: string },
): string {
  const flags = `qr ${authoritative ? 'aa ' : ''}rd ra`;
  const lines = records.map((record) => {
    const { ttlS, type: kind, value } = record;
    return `${record.name}.\t\t${ttlS}\tIN\t${kind}\t${withDot(kind, value)}`;
  });
  return [
    '',
    `; <<>> DiG <<>> ${given}`,
    ';; global options: +cmd',
    ';; Got answer:',
    `;; ->>HEADER<<- opcode: QUERY, status: ${code}`,
    `;; flags: ${flags}; QUERY: 1, ANSWER: ${records.length}, AUTHORITY: 0, ADDITIONAL: 0`,
    '',
    ';; QUESTION SECTION:',
    `;${name}.\t\tIN\t${type}`,
    '',
    ...(lines.length > 0 ? [';; ANSWER SECTION:', ...lines, ''] : []),
    `;; SERVER: ${NAME_SERVER}#53(${NAME_SERVER}) (UDP)`,
    '',
    '',
  ].join('\n');
}

export const nameCommands: readonly Command<PodWorld>[] = [nslookup, dig, host, getent];

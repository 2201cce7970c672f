import type { Flags } from '#shell';
import { many, onOff, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { askApi } from './api.ts';
import { usage } from './errors.ts';

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

interface Review {
  readonly status: {
    readonly allowed?: boolean;
    readonly reason?: string;
    readonly userInfo?: { readonly username: string; readonly uid?: string; readonly groups?: readonly string[] };
    readonly resourceRules?: readonly Rule[];
    readonly nonResourceRules?: readonly Rule[];
  };
}

/** Asks the API server's own reviews, so that roles and bindings count as they do for every client. */
export const auth: Verb = {
  name: 'auth',
  manual: `kubectl auth can-i <verb> <kind>[/<name>] [-n namespace | -A] [--subresource=log] [--as user] [--as-group group]… [-q]
kubectl auth can-i --list [-n namespace] [--as user]
kubectl auth whoami [--as user]
Without --as you are an administrator. A service account is system:serviceaccount:<namespace>:<name>.`,
  flags: {
    list: onOff(),
    as: value(),
    'as-group': many(),
    subresource: value(),
    quiet: onOff('q'),
    'all-namespaces': onOff('A'),
    'no-headers': onOff(),
  },
  run: async (flags, io, context) => {
    const [action, ...words] = flags.words;
    if (action === 'whoami') return whoami(flags, io, context);
    if (action !== 'can-i') throw usage('auth', `unknown command "${action ?? ''}"`);
    return flags.on('list') ? list(flags, io, context) : canI(words, flags, io, context);
  },
  complete: ({ words }) => (words.length <= 1 ? ['can-i', 'whoami'] : []),
};

async function ask(kind: string, spec: object, { flags, io, context }: Asked): Promise<Review['status']> {
  const group = kind === 'SelfSubjectReview' ? 'authentication' : 'authorization';
  const apiVersion = `${group}.k8s.io/v1`;
  const as = flags.text('as');
  const groups = flags.all('as-group');
  const text = await askApi(
    {
      method: 'POST',
      path: `/apis/${apiVersion}/${kind.toLowerCase()}s`,
      body: { apiVersion, kind, spec },
      headers: {
        ...(as === undefined ? {} : { 'impersonate-user': as }),
        ...(groups.length === 0 ? {} : { 'impersonate-group': groups }),
      },
      signal: io.signal,
    },
    context,
  );
  return (JSON.parse(text) as Review).status;
}

interface Asked {
  readonly flags: Flags;
  readonly io: CommandIo;
  readonly context: ShellContext;
}

async function canI(
  [verb, what, ...more]: readonly string[],
  flags: Flags,
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  if (verb === undefined || what === undefined || more.length > 0)
    throw new UsageError(
      "error: you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  const asked = { flags, io, context };
  const { allowed, reason } = what.startsWith('/')
    ? await ask('SelfSubjectAccessReview', { nonResourceAttributes: { verb, path: what } }, asked)
    : await ask('SelfSubjectAccessReview', { resourceAttributes: { verb, ...resourceOf(what, asked) } }, asked);
  if (!flags.on('quiet')) io.out(allowed ? 'yes\n' : `no${reason ? ` - ${reason}` : ''}\n`);
  return allowed ? 0 : 1;
}

/** Group, resource and name; a warning where the kind is not there, or has no namespace. */
function resourceOf(what: string, { flags, io, context }: Asked): object {
  const [word = '', name = ''] = what.split('/');
  const subresource = flags.text('subresource');
  const kind = word === '*' ? undefined : context.sandbox.store.kinds.find(word);
  if (kind === undefined && word !== '*') io.err(`Warning: the server doesn't have a resource type '${word}'\n\n`);
  if (kind && !kind.namespaced)
    io.err(
      `Warning: resource '${kind.plural}' is not namespace scoped${kind.group === '' ? '' : ` in group '${kind.group}'`}\n\n`,
    );
  return {
    resource: kind?.plural ?? word,
    group: word === '*' ? '*' : (kind?.group ?? ''),
    name,
    ...(subresource === undefined ? {} : { subresource }),
    ...(flags.on('all-namespaces') ? {} : { namespace: namespaceOf(flags, context) }),
  };
}

async function list(flags: Flags, io: CommandIo, context: ShellContext): Promise<number> {
  const { resourceRules = [], nonResourceRules = [] } = await ask(
    'SelfSubjectRulesReview',
    { namespace: namespaceOf(flags, context) },
    { flags, io, context },
  );
  const shown = (words: readonly string[] | undefined): string => `[${(words ?? []).join(' ')}]`;
  const rows = [
    ...resourceRules.flatMap((rule) =>
      (rule.apiGroups ?? ['']).flatMap((group) =>
        (rule.resources ?? []).map((resource) => [
          group === '' ? resource : `${resource}.${group}`,
          '[]',
          shown(rule.resourceNames),
          shown(rule.verbs),
        ]),
      ),
    ),
    ...nonResourceRules.map((rule) => ['', shown(rule.nonResourceURLs), '[]', shown(rule.verbs)]),
  ];
  const head = ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'];
  const text = formatTable(head, rows);
  io.out(flags.on('no-headers') ? text.slice(text.indexOf('\n') + 1) : text);
  return 0;
}

async function whoami(flags: Flags, io: CommandIo, context: ShellContext): Promise<number> {
  const { userInfo } = await ask('SelfSubjectReview', {}, { flags, io, context });
  io.out(
    formatTable(
      ['ATTRIBUTE', 'VALUE'],
      [
        ['Username', userInfo?.username ?? ''],
        ...(userInfo?.uid === undefined ? [] : [['UID', userInfo.uid]]),
        ['Groups', `[${(userInfo?.groups ?? []).join(' ')}]`],
      ],
    ),
  );
  return 0;
}

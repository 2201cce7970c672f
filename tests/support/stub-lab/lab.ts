import type { Method, RequestView, ServerEvent } from '#contract';
import { type Random, seededRandom } from '#domain';
import { checksAt, pushesAt, pushOf, ratingsYaml, reviewsYaml, sandboxAfter, stateAt } from './state.ts';
import { explain, meshAt, requestAt } from './traffic.ts';

type Answer = { result: unknown } | { error: { code: string; message: string; hint?: string } };
type Files = { file: string; text: string }[];

const HINTS = [
  'Follow one 503 to where it stopped. Which proxy is it?',
  "v3's pool holds one connection and lets one request wait.",
  'Raise http1MaxPendingRequests; keep maxConnections at 4 or fewer.',
];

/** Plays one learner's lab over one connection. */
export class StubLab {
  readonly #emit: (event: ServerEvent) => void;
  readonly #random: Random = seededRandom('stub');
  readonly #known = new Map<string, RequestView>();
  #timers: NodeJS.Timeout[] = [];
  #limit = 1;
  #push = 4;
  #hint = 0;
  #done = process.env.STUB_START ? 0 : 5;
  #running = true;

  constructor(emit: (event: ServerEvent) => void) {
    this.#emit = emit;
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#emit({ type: 'mesh', mesh: meshAt(Date.now(), this.#limit === 1) }), 1000),
      setInterval(() => this.#traffic(), 250),
      setInterval(() => this.#boot(), 400),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  answer(method: Method, params: unknown): Answer {
    const given = params as { request?: string; files?: Files; line?: string; terminal?: string; running?: boolean };
    switch (method) {
      case 'lab.open':
        return { result: this.#state() };
      case 'yaml.validate':
        return { result: { diagnostics: diagnose(given.files ?? []) } };
      case 'yaml.apply':
        return { result: this.#apply(given.files ?? []) };
      case 'yaml.undo':
        return {
          result: { changeId: 'undo', accepted: true, diagnostics: [], objects: [], proxies: 7, effectiveMs: 19 },
        };
      case 'yaml.reset':
        return { result: this.#state() };
      case 'yaml.restore':
        return { result: { files: [{ file: 'reviews.yaml', text: reviewsYaml, readOnly: false }] } };
      case 'yaml.solution':
        return { result: { files: solution() } };
      case 'kube.access':
        return { result: { url: 'https://127.20.0.1:6443', kubeconfig: 'apiVersion: v1\nkind: Config\n' } };
      case 'request.explain':
        return this.#explain(given.request ?? '');
      case 'request.send':
        return { result: this.#remember(requestAt(Date.now(), this.#random, true)) };
      case 'traffic.set':
        this.#running = given.running ?? true;
        return {
          result: { traffic: [{ id: 'browse', title: 'People browse /productpage', running: this.#running, rps: 40 }] },
        };
      case 'terminal.run':
        this.#terminal(given.terminal ?? '', given.line ?? '');
        return { result: { accepted: true } };
      case 'terminal.complete':
        return {
          result: {
            from: 0,
            candidates: ['kubectl', 'istioctl', 'curl'].filter((one) => one.startsWith(given.line ?? '')),
          },
        };
      case 'checks.run':
      case 'checks.answer':
        return { result: { checks: checksAt(this.#limit) } };
      case 'hints.next':
        this.#hint = Math.min(this.#hint + 1, HINTS.length);
        return {
          result: {
            number: this.#hint,
            of: HINTS.length,
            text: HINTS[this.#hint - 1],
            last: this.#hint === HINTS.length,
          },
        };
      case 'proxy.dump':
        return {
          result: {
            pod: 'productpage-v1-7c9d',
            listeners: [{ name: '0.0.0.0_9080' }],
            routes: [],
            clusters: [],
            endpoints: [],
            secrets: [],
            behind: { listeners: [], routes: [], clusters: [] },
          },
        };
      default:
        return { result: {} };
    }
  }

  #state(): object {
    const nowMs = Date.now();
    const requests = Array.from({ length: 160 }, (_, index) =>
      this.#remember(requestAt(nowMs - (160 - index) * 1000, this.#random, index > 120)),
    );
    return { ...stateAt(nowMs, this.#done), requests, mesh: meshAt(nowMs, true), pushes: pushesAt(nowMs) };
  }

  #remember(request: RequestView): RequestView {
    this.#known.set(request.id, request);
    return request;
  }

  #explain(id: string): Answer {
    const request = this.#known.get(id);
    if (request) return { result: explain(request) };
    return { error: { code: 'not_found', message: 'This request is no longer kept.', hint: 'Open a newer one.' } };
  }

  #traffic(): void {
    if (!this.#running || this.#done < 5) return;
    const requests = [0, 1].map((index) =>
      this.#remember(requestAt(Date.now() + index, this.#random, this.#limit === 1)),
    );
    this.#emit({ type: 'requests', requests, dropped: 8 });
  }

  #boot(): void {
    if (this.#done >= 5) return;
    this.#done += 1;
    this.#emit({ type: 'sandbox', sandbox: sandboxAfter(this.#done) });
  }

  #apply(files: Files): object {
    const diagnostics = diagnose(files);
    const base = { changeId: `change-${this.#push + 1}`, diagnostics, objects: [], proxies: 7 };
    if (diagnostics.length > 0) return { ...base, accepted: false };
    this.#push += 1;
    const text = files.map((file) => file.text).join('\n');
    const refusedBy = text.includes('connectTimeout: 0s') ? 'productpage-v1-7c9d' : undefined;
    this.#limit = Number(/http1MaxPendingRequests: (\d+)/.exec(text)?.[1] ?? 1);
    const push = pushOf(this.#push, 'more room', Date.now(), refusedBy);
    this.#emit({ type: 'push', push });
    this.#emit({ type: 'checks', checks: checksAt(this.#limit), newlyMet: [] });
    return { ...base, accepted: true, push, ...(refusedBy ? {} : { effectiveMs: push.effectiveMs }) };
  }

  #terminal(terminal: string, line: string): void {
    const say = (text: string): void => this.#emit({ type: 'terminal', output: { terminal, stream: 'stdout', text } });
    if (line.startsWith('istioctl')) {
      say('SERVICE FQDN                         PORT  SUBSET  DIRECTION  TYPE  DESTINATION RULE\n');
      say('reviews.default.svc.cluster.local    9080  v3      outbound   EDS   reviews.default\n');
    } else if (line.startsWith('kubectl')) {
      say(
        'NAME                 READY   STATUS    RESTARTS   AGE\nreviews-v3-7c9d      2/2     \u001b[32mRunning\u001b[0m   0          4m\n',
      );
    } else if (line !== '') say(`${line.split(' ')[0]}: command not found\n`);
    setTimeout(
      () => this.#emit({ type: 'terminal-exit', terminal, exitCode: line.startsWith('k') ? 0 : 1, cwd: '~' }),
      30,
    );
  }
}

function solution(): Files {
  return [
    { file: 'reviews.yaml', text: reviewsYaml.replace('http1MaxPendingRequests: 1', 'http1MaxPendingRequests: 8') },
    { file: 'ratings-delay.yaml', text: ratingsYaml },
  ];
}

/** One thing is wrong in the stub's world: weights that are not numbers. */
function diagnose(files: Files): object[] {
  return files.flatMap(({ file, text }) =>
    text.split('\n').flatMap((line, index) => {
      const wrong = /weight: ([a-z]\S*)/.exec(line);
      if (!wrong) return [];
      const location = { file, line: index + 1, column: 7, endLine: index + 1, endColumn: line.length + 1 };
      const message = `weight is "${wrong[1]}", a whole number is wanted`;
      return [{ code: 'MW0101', severity: 'error', message, hint: 'Write a number from 0 to 100.', location }];
    }),
  );
}

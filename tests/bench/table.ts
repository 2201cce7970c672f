import type { LoadResult } from './measure.ts';
import type { Report } from './report.ts';

type Row = readonly [what: string, figure: string];

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const mb = (value: number): string => `${value.toFixed(0)} MB`;
const whole = (value: number): string => Math.round(value).toLocaleString('en');

const applyLimitMs = (sidecars: number): number => (sidecars < 20 ? 10 : sidecars < 200 ? 50 : 300);

/** Prints a report for people: one line a figure, parts with their conditions above them. */
export function printReport(report: Report): void {
  const { apply, identity, start, translation } = report;
  print(`Meshwork on Node ${report.node}`, []);
  print('Added latency: ingress gateway → mTLS → sidecar, over the direct way (200 B)', latencyRows(report.latency));
  print('Throughput on one core: the same path beside two hops of native proxies with mTLS', throughputRows(report));
  print('Decisions about every request noted, 48 connections, 200 B', recordingRows(report.recording));
  print(
    "Apply to effective and ACKed: a VirtualService's weights",
    apply.flatMap(({ sidecars, startMs, pssMb, changes, medianMs, maxMs }) => [
      [
        `${whole(sidecars)} sidecars, median of ${changes}`,
        `${ms(medianMs)}, longest ${ms(maxMs)} (limit ${applyLimitMs(sidecars)} ms)`,
      ] satisfies Row,
      ['their start, and memory after it (PSS)', `${(startMs / 1000).toFixed(1)} s, ${mb(pssMb)}`] satisfies Row,
    ]),
  );
  print(`Checks of the editor: ${report.checking.resources} resources parsed, validated and analyzed`, [
    ['median', `${ms(report.checking.medianMs)} (limit 100 ms)`],
  ]);
  const { services, pods, virtualServices, changedTypes } = translation;
  print(
    `One changed VirtualService among ${whole(virtualServices)}: ${whole(services)} services, ${whole(pods)} pods`,
    [
      ['snapshot and translation for the first proxy', `${ms(translation.firstProxyMs)} (limit 50 ms)`],
      [`for one proxy of each of ${translation.proxies} namespaces`, ms(translation.allProxiesMs)],
      [
        'proxies with other configuration, of a rule for its own namespace',
        `${translation.affectedProxies} of ${translation.proxies}, types: ${changedTypes.join(', ')}`,
      ],
    ],
  );
  print(`Sandbox start: lab bookinfo, median of ${start.starts}`, [
    ['fork to first 200 through the gateway', ms(start.forkToFirstAnswerMs)],
    ['without process start and imports', ms(start.meshMs)],
    ['memory after the start', mb(start.residentMbAfterStart)],
    [`memory after ${whole(start.requests)} requests`, mb(start.residentMbAfterRequests)],
  ]);
  const { memory } = report;
  print(`Memory of a sandbox with ${memory.sidecars} sidecars and a gateway (PSS)`, [
    ['after the start', `${mb(memory.pssMbAfterStart)} (limit 200 MB)`],
    [`after ${whole(memory.requests)} requests`, mb(memory.pssMbAfterRequests)],
  ]);
  const { certificates, issueMs, issueCpuMs, withAgentMs, rotation } = identity;
  print(`Identity: ${whole(certificates)} certificates, then short ones under load`, [
    ['issued by the CA (token, CSR, signature)', `${ms(issueMs)}, ${ms(issueCpuMs)} of CPU (limit 1,000 ms)`],
    ['with the agents\u2019 part (key and CSR)', ms(withAgentMs)],
    [
      `${rotation.rotations} rotations of both proxies at ${whole(rotation.perSecond)} requests/s`,
      `${rotation.failures} of ${whole(rotation.requests)} requests failed`,
    ],
  ]);
  printScreen(report.screen);
}

/** What a learner waits for, each beside its limit. */
export function printScreen(screen: Report['screen']): void {
  print('The screen of the lab, in a browser without a graphics card', screenRows(screen));
}

function screenRows(screen: Report['screen']): readonly Row[] {
  if ('skipped' in screen) return [['left out', screen.skipped]];
  const { desk, watchers } = screen;
  const { browsers, meshes, eventsPerSecond, serverCpuPercent } = watchers;
  const server: Row = [
    `lab server, ${browsers} browsers on ${meshes} meshes, ${whole(eventsPerSecond)} requests/s told`,
    `${serverCpuPercent.toFixed(1)} % of a core (limit 15 %)`,
  ];
  if ('skipped' in desk) return [['page left out', desk.skipped], server];
  return [
    ['shell heeds a click', `${ms(desk.interactiveMs)} (limit 2,500 ms)`],
    ['map of 12 services, 200 requests/s', `${desk.mapFramesPerSecond.toFixed(0)} frames/s (at least 50)`],
    ['key to echo in the terminal, median', `${ms(desk.echoMs)}, p95 ${ms(desk.echoP95Ms)} (limit 30 ms)`],
    ['Ctrl+Enter to “In force”', `${ms(desk.applyMs)} (limit 300 ms)`],
    ['reset to the lab at its start', `${ms(desk.resetMs)} (limit 500 ms)`],
    server,
  ];
}

function latencyRows(latency: Report['latency']): Row[] {
  if ('skipped' in latency) return [['skipped', latency.skipped]];
  return [
    [`direct, ${latency.perSecond} requests/s`, `p50 ${ms(latency.directP50Ms)}, p99 ${ms(latency.directP99Ms)}`],
    ...latency.added.map(
      ({ path, addedP50Ms, addedP99Ms }): Row => [`${path} adds`, `p50 ${ms(addedP50Ms)}, p99 ${ms(addedP99Ms)}`],
    ),
  ];
}

/** Against every way through other proxies. */
function ratioText(results: readonly LoadResult[]): string {
  const mesh = results.at(-1)!;
  const against = results.slice(0, -1);
  return against
    .map(({ path, requestsPerSecond }) => `${(mesh.requestsPerSecond / requestsPerSecond).toFixed(2)} × ${path}`)
    .join(', ');
}

function recordingRows(recording: Report['recording']): Row[] {
  if ('skipped' in recording) return [['skipped', recording.skipped]];
  const { none, every, cost } = recording;
  return [
    ['nobody looks', `${whole(none.requestsPerSecond)} requests/s, ${none.cpuMicrosPerRequest.toFixed(0)} µs CPU each`],
    [
      'somebody looks',
      `${whole(every.requestsPerSecond)} requests/s, ${every.cpuMicrosPerRequest.toFixed(0)} µs CPU each`,
    ],
    ['cost', `${(cost * 100).toFixed(0)} % of the throughput (limit 10 %)`],
  ];
}

function throughputRows({ throughput }: Report): Row[] {
  if ('skipped' in throughput) return [['skipped', throughput.skipped]];
  return throughput.flatMap(({ page, results }) => [
    ...results.map(
      ({ path, connections, requestsPerSecond, cpuMicrosPerRequest }): Row => [
        `${path}, ${page === 's' ? '200 B' : '10 KB'}, ${connections} connections`,
        `${whole(requestsPerSecond)} requests/s, ${cpuMicrosPerRequest.toFixed(0)} µs CPU each`,
      ],
    ),
    ['ratio', ratioText(results)] as const,
  ]);
}

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  const width = Math.max(0, ...rows.map(([what]) => what.length));
  for (const [what, figure] of rows) console.log(`  ${what.padEnd(width)}  ${figure}`);
}

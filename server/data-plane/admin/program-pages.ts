import { getHeapSpaceStatistics } from 'node:v8';
import { json, OK, type Page, type PageContext, type PageEntry, text } from './page.ts';

/** `/memory`. All proxies of a mesh share one heap: the figures are those of the whole of it. */
function memory(): Page {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage();
  return json({
    allocated: String(heapUsed + external),
    heap_size: String(heapTotal + external),
    pageheap_unmapped: '0',
    pageheap_free: String(heapTotal - heapUsed),
    total_thread_cache: '0',
    total_physical_bytes: String(rss),
  });
}

/** Unlike Envoy's, this heap is V8's. */
function heapSpaces(): Page {
  const lines = getHeapSpaceStatistics().map(
    ({ space_name, space_size, space_used_size }) =>
      `${space_name.padEnd(28)}${String(space_size).padStart(12)}${String(space_used_size).padStart(12)}\n`,
  );
  const title = `${'space of the heap'.padEnd(28)}${'bytes'.padStart(12)}${'used'.padStart(12)}\n`;
  return { status: 200, type: 'text/plain', body: title + lines.join('') };
}

/** In the words of an Envoy that was built without it. A dump would show the memory of the whole mesh, private keys included. */
const absent = (what: string): Page => text(`The current build does not support ${what}`, 501);

const switched = (query: URLSearchParams, answer: (on: boolean) => Page): Page => {
  const wanted = query.get('enable');
  return wanted === 'y' || wanted === 'n' ? answer(wanted === 'y') : text('?enable=<y|n>\n', 400);
};

const SWITCH = { enable: 'enable/disable the profiler; One of (y, n)' };
const NOT_ENABLED = 'Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n';

function lookups({ stats }: PageContext): Page {
  const { enabled, total } = stats.lookups;
  const rows = stats.lookups.list().map(([name, count]) => `${String(count).padStart(8)} ${name}\n`);
  return text(`${enabled ? `   Count Lookup\n${rows.join('')}` : NOT_ENABLED}\ntotal: ${total}\n`);
}

const tracking =
  (enabled: boolean): PageEntry['render'] =>
  ({ stats }) => {
    stats.lookups.enabled = enabled;
    return OK;
  };

/** Pages about the program rather than its traffic. */
export const PROGRAM_PAGES: Readonly<Record<string, PageEntry>> = {
  '/allocprofiler': {
    help: 'enable/disable the allocation profiler (if supported)',
    post: true,
    parameters: SWITCH,
    render: (_context, query) => switched(query, () => absent('allocation profiler')),
  },
  '/contention': {
    help: 'dump current Envoy mutex contention stats (if enabled)',
    render: () =>
      text('Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.'),
  },
  '/cpuprofiler': {
    help: 'enable/disable the CPU profiler',
    post: true,
    parameters: SWITCH,
    render: (_context, query) => switched(query, (on) => (on ? text('failure to start the profiler', 500) : OK)),
  },
  '/heap_dump': { help: 'dump current Envoy heap (if supported)', render: () => absent('heap dump') },
  '/heapprofiler': {
    help: 'enable/disable the heap profiler',
    post: true,
    parameters: SWITCH,
    render: () => absent('heap profiler'),
  },
  '/memory': { help: 'print current allocation/heap usage', render: memory },
  '/memory/tcmalloc': { help: 'print how the heap is divided', render: heapSpaces },
  '/peak_heap_dump': { help: 'dump peak Envoy heap (if supported)', render: () => absent('peak heap dump') },
  '/stats/recentlookups': { help: 'Show recent stat-name lookups', render: lookups },
  '/stats/recentlookups/clear': {
    help: 'clear list of stat-name lookups and counter',
    post: true,
    render: ({ stats }) => {
      stats.lookups.clear();
      return OK;
    },
  },
  '/stats/recentlookups/disable': {
    help: 'disable recording of reset stat-name lookup names',
    post: true,
    render: tracking(false),
  },
  '/stats/recentlookups/enable': {
    help: 'enable recording of reset stat-name lookup names',
    post: true,
    render: tracking(true),
  },
};

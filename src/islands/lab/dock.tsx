import { lazy, type ReactNode, Suspense, useCallback, useState } from 'react';
import { type DockView, statusText } from '../../lab-client/index.ts';
import { Boundary } from '../parts/boundary.tsx';
import { Icon } from '../parts/sign.tsx';
import { Splitter } from '../parts/splitter.tsx';
import { type Tab, Tabs } from '../parts/tabs.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { countFailed } from '../request-list/filter.ts';
import { RequestList } from '../request-list/request-list.tsx';
import { TerminalPanel } from '../terminal/terminal-panel.tsx';
import type { Sizes } from './sizes.ts';

// Views that are not open at first come when they are asked for.
const LATER: Partial<Record<DockView, ReturnType<typeof lazy>>> = {
  trace: lazy(async () => ({ default: (await import('../trace-viewer/trace-viewer.tsx')).TraceViewer })),
  log: lazy(async () => ({ default: (await import('../access-log/access-log.tsx')).AccessLog })),
  xds: lazy(async () => ({ default: (await import('../xds-inspector/xds-inspector.tsx')).XdsInspector })),
  metrics: lazy(() => import('../metrics/metrics.tsx')),
  certs: lazy(() => import('../certificates/certificates.tsx')),
  events: lazy(() => import('../events/events.tsx')),
  time: lazy(() => import('../time-view/time-view.tsx')),
  predict: lazy(() => import('../predict/predict.tsx')),
  slow: lazy(() => import('../slow-motion/slow-motion.tsx')),
  try: lazy(() => import('../what-if/what-if.tsx')),
};

interface DockProps {
  /** The decision path, where it has no column of its own. */
  why: ReactNode | undefined;
  onSizes: (change: Partial<Sizes>) => void;
}

/** Terminal, requests, trace, access log, metrics, pushes, certificates and events; the terminal stays alive behind the others. */
export function Dock({ why, onSizes }: DockProps) {
  const lab = useLab();
  const view = useStore(lab.stores.view);
  const shown: DockView = view.dock === 'why' && !why ? 'req' : view.dock;
  const [terminalOpened, setTerminalOpened] = useState(shown === 'term');
  if (shown === 'term' && !terminalOpened) setTerminalOpened(true);
  const [tall, setTall] = useState(false);
  const tabs = useTabs(why !== undefined);
  const opened = useCallback((): void => lab.show({ panel: 'why', ...(why ? { dock: 'why' } : {}) }), [lab, why]);
  const showTerminal = useCallback((): void => lab.show({ dock: 'term', panel: 'dock' }), [lab]);
  const runFirst = useCallback(
    (line: string): void => {
      // The terminal island is not there yet: it takes the line when it is.
      lab.linesForTerminal.push(line);
      setTerminalOpened(true);
      lab.show({ dock: 'term', panel: 'dock' });
    },
    [lab],
  );
  if (!terminalOpened) lab.runInTerminal = runFirst;
  const Later = LATER[shown];
  return (
    <section className="dock" aria-label="Evidence" id="panel-dock">
      <Splitter
        label="Height of the dock"
        direction="horizontal"
        className="at-dock"
        sized="parent"
        min={140}
        max={640}
        sign={-1}
        onChange={(value) => onSizes({ dock: value })}
        onReset={() => onSizes({ dock: 0 })}
      />
      <div className="bar">
        <Tabs id="dock" label="Evidence" tabs={tabs} selected={shown} onSelect={(key) => lab.show({ dock: key })} />
        <button
          type="button"
          className={tall ? 'btn quiet sq taller on' : 'btn quiet sq taller'}
          aria-label="More room for the evidence"
          aria-pressed={tall}
          onClick={() => {
            onSizes({ dock: tall ? 0 : Math.round(innerHeight * TALL) });
            setTall(!tall);
          }}
        >
          <Icon name="down" />
        </button>
      </div>
      <div className="pane" role="tabpanel" id="dock-panel" aria-label={NAMES[shown]}>
        <h2 className="sr">{NAMES[shown]}</h2>
        {terminalOpened && (
          <div hidden={shown !== 'term'} className="keep">
            <TerminalPanel onShow={showTerminal} />
          </div>
        )}
        {shown === 'why' && why}
        {shown === 'req' && <RequestList onOpened={opened} />}
        {Later && (
          <Boundary key={shown} what={NAMES[shown]}>
            <Suspense fallback={<p className="pad">The view opens.</p>}>
              <Later />
            </Suspense>
          </Boundary>
        )}
      </div>
    </section>
  );
}

/** Share of the window that a tall dock takes. */
const TALL = 0.64;

const NAMES: Record<DockView, string> = {
  why: 'Why this response',
  term: 'Terminal',
  req: 'Requests',
  trace: 'Trace',
  log: 'Access log',
  xds: 'xDS',
  metrics: 'Metrics',
  certs: 'Certificates',
  events: 'Events',
  try: 'What if',
  time: 'Time',
  predict: 'Predict',
  slow: 'Slow motion',
};

function useTabs(withWhy: boolean): Tab<DockView>[] {
  const { stores } = useLab();
  const requests = useStore(stores.requests);
  const pushes = useStore(stores.pushes);
  const explanation = useStore(stores.explanation);
  const { atMs } = useStore(stores.view);
  const status = explanation.state === 'ready' ? statusText(explanation.view.request).split(' ')[0] : '';
  const refused = pushes.at(-1)?.proxies.some((proxy) => proxy.state === 'nacked') ?? false;
  const why: Tab<DockView>[] = withWhy ? [{ key: 'why', label: status ? `Why ${status}` : 'Why' }] : [];
  return [
    ...why,
    { key: 'term', label: 'Terminal' },
    { key: 'req', label: 'Requests', count: countFailed(requests, atMs), bad: true },
    { key: 'trace', label: 'Trace' },
    { key: 'log', label: 'Access log' },
    { key: 'metrics', label: 'Metrics' },
    { key: 'xds', label: 'xDS', count: pushes.length, bad: refused },
    { key: 'certs', label: 'Certificates' },
    { key: 'events', label: 'Events' },
    { key: 'try', label: 'What if', begins: true },
    { key: 'predict', label: 'Predict' },
    { key: 'time', label: 'Time' },
    { key: 'slow', label: 'Slow motion' },
  ];
}

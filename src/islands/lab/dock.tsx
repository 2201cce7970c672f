import { type ReactNode, useCallback, useState } from 'react';
import { type DockView, statusText } from '../../lab-client/index.ts';
import { AccessLog } from '../access-log/access-log.tsx';
import { Splitter } from '../parts/splitter.tsx';
import { type Tab, Tabs } from '../parts/tabs.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { countFailed } from '../request-list/filter.ts';
import { RequestList } from '../request-list/request-list.tsx';
import { TerminalPanel } from '../terminal/terminal-panel.tsx';
import { TraceViewer } from '../trace-viewer/trace-viewer.tsx';
import { XdsInspector } from '../xds-inspector/xds-inspector.tsx';
import type { Sizes } from './sizes.ts';

interface DockProps {
  /** The decision path, where it has no column of its own. */
  why: ReactNode | undefined;
  onSizes: (change: Partial<Sizes>) => void;
}

/** Terminal, requests, trace, access log and pushes; the terminal stays alive behind the others. */
export function Dock({ why, onSizes }: DockProps) {
  const lab = useLab();
  const view = useStore(lab.stores.view);
  const shown: DockView = view.dock === 'why' && !why ? 'req' : view.dock;
  const [terminalOpened, setTerminalOpened] = useState(shown === 'term');
  if (shown === 'term' && !terminalOpened) setTerminalOpened(true);
  const tabs = useTabs(why !== undefined);
  const opened = useCallback((): void => lab.show({ panel: 'why', ...(why ? { dock: 'why' } : {}) }), [lab, why]);
  const showTerminal = useCallback((): void => lab.show({ dock: 'term', panel: 'dock' }), [lab]);
  const runFirst = useCallback(
    (line: string): void => {
      // The terminal island is not there yet: it takes the command when it is.
      setTerminalOpened(true);
      lab.show({ dock: 'term', panel: 'dock' });
      setTimeout(() => lab.runInTerminal !== runFirst && lab.runInTerminal?.(line), 50);
    },
    [lab],
  );
  if (!terminalOpened) lab.runInTerminal = runFirst;
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
      </div>
      <div className="pane" role="tabpanel" id="dock-panel" aria-label={NAMES[shown]}>
        {terminalOpened && (
          <div hidden={shown !== 'term'} className="keep">
            <TerminalPanel onShow={showTerminal} />
          </div>
        )}
        {shown === 'why' && why}
        {shown === 'req' && <RequestList onOpened={opened} />}
        {shown === 'trace' && <TraceViewer />}
        {shown === 'log' && <AccessLog />}
        {shown === 'xds' && <XdsInspector />}
      </div>
    </section>
  );
}

const NAMES: Record<DockView, string> = {
  why: 'Why this response',
  term: 'Terminal',
  req: 'Requests',
  trace: 'Trace',
  log: 'Access log',
  xds: 'xDS',
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
    { key: 'xds', label: 'xDS', count: pushes.length, bad: refused },
  ];
}

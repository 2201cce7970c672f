import { type CSSProperties, lazy, Suspense, useCallback, useEffect, useState } from 'react';
import type { SourceLocation } from '#contract';
import { DecisionPanel } from '../decision-viewer/decision-viewer.tsx';
import { MeshPanel } from '../mesh-map/mesh-map.tsx';
import { Boundary } from '../parts/boundary.tsx';
import { Splitter } from '../parts/splitter.tsx';
import { useMedia } from '../parts/use-media.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { ShowMe } from '../show-me/show-me.tsx';
import { TimeBar } from '../time-bar/time-bar.tsx';
import { Banner } from './banner.tsx';
import { DoColumn } from './do-column.tsx';
import { Dock } from './dock.tsx';
import { PanelBar } from './panel-bar.tsx';
import { safeStorage } from './safe-storage.ts';
import { readSizes, type Sizes, startSizes } from './sizes.ts';
import { Starting } from './starting.tsx';
import { Toasts } from './toasts.tsx';

// Only incidents page somebody.
const Pager = lazy(async () => ({ default: (await import('../incident/pager.tsx')).Pager }));

const KEY = 'meshwork.lab.sizes';

/** Three areas and a foot. Under 1180 px why is a tab of the dock; under 860 px one panel is shown at a time. */
export function Desk() {
  const lab = useLab();
  const view = useStore(lab.stores.view);
  const sandbox = useStore(lab.stores.sandbox);
  const { incident } = lab.text;
  const [sizes, change] = useSizes();
  const goTo = useStore(lab.stores.place);
  const middle = useMedia('(max-width: 1180px)');
  const narrow = useMedia('(max-width: 860px)');
  const open = useCallback((place: SourceLocation): void => lab.openPlace(place), [lab]);
  useEffect(() => {
    if (goTo && narrow) lab.show({ panel: 'edit' });
  }, [lab, goTo, narrow]);
  const style = {
    '--do': `${sizes.do}px`,
    '--why': `${sizes.why}px`,
    ...(sizes.dock > 0 ? { '--dock': `${sizes.dock}px` } : {}),
    ...(sizes.read > 0 ? { '--read': `${sizes.read}px` } : {}),
  } as CSSProperties;
  const starts = sandbox !== undefined && sandbox.status !== 'running';
  const why = (
    <Boundary what="Why this response">
      <DecisionPanel onOpen={open} />
    </Boundary>
  );
  return (
    <div className="lab" data-panel={view.panel} style={style}>
      <div className="over">
        <Banner />
        {incident && (
          <Suspense>
            <Pager />
          </Suspense>
        )}
        <ShowMe />
      </div>
      <main className="desk" id="main" tabIndex={-1}>
        <DoColumn goTo={goTo} onSizes={change} />
        {!narrow && (
          <Splitter
            label="Width of text and editor"
            direction="vertical"
            className="at-do"
            sized="previous"
            min={300}
            max={720}
            sign={1}
            onChange={(value) => change({ do: value })}
            onReset={() => change({ do: startSizes(innerWidth).do })}
          />
        )}
        <Boundary what="The map">{starts ? <Starting sandbox={sandbox} /> : <MeshPanel />}</Boundary>
        <Dock why={middle && !narrow ? why : undefined} onSizes={change} />
        {!middle && (
          <Splitter
            label="Width of why this response"
            direction="vertical"
            className="at-why"
            sized="next"
            min={300}
            max={640}
            sign={-1}
            onChange={(value) => change({ why: value })}
            onReset={() => change({ why: startSizes(innerWidth).why })}
          />
        )}
        {(!middle || narrow) && (
          <aside className="why" aria-label="Why this response" id="panel-why">
            {why}
          </aside>
        )}
      </main>
      <TimeBar />
      {narrow && <PanelBar />}
      <Toasts />
    </div>
  );
}

function useSizes(): [Sizes, (change: Partial<Sizes>) => void] {
  const [sizes, setSizes] = useState(() => readSizes(safeStorage().getItem(KEY), startSizes(innerWidth)));
  const change = (part: Partial<Sizes>): void => {
    const next = { ...sizes, ...part };
    setSizes(next);
    safeStorage().setItem(KEY, JSON.stringify(next));
  };
  return [sizes, change];
}

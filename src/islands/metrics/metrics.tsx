import { useMemo, useState } from 'react';
import type { MetricsView } from '#contract';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { Pending } from '../parts/pending.tsx';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { FigureTable } from './figure-table.tsx';
import { OneSeries } from './one-series.tsx';
import { groups, type MetricsPlace, readPlace, windows, writePlace } from './place.ts';
import { SignalTable } from './signal-table.tsx';

/** Golden signals along time: of every edge, service or version beside each other, or of one at large. */
export default function Metrics() {
  const lab = useLab();
  const view = useStore(lab.stores.view);
  const mesh = useStore(lab.stores.mesh);
  const [asTable, setAsTable] = useState(false);
  const place = readPlace(view.show);
  const { by, seconds, key } = place;
  const past = view.atMs === undefined ? {} : { untilMs: Math.round(view.atMs) };
  const live = useLive('metrics.read', { by, seconds, ...past }, { everyMs: view.atMs === undefined ? 1000 : 0 });
  const go = (change: Partial<MetricsPlace>): void => lab.show({ show: writePlace({ ...place, ...change }) });
  const versions = useMemo(() => versionsOf(mesh?.nodes ?? []), [mesh?.nodes]);
  const series = live.state === 'ready' ? live.value.series.find((one) => one.key === key) : undefined;
  return (
    <div className="metrics">
      <div className="toolbar">
        {series === undefined ? (
          <Choice label="Group by" choices={groups} chosen={by} onChoose={(next) => go({ by: next, key: '' })} />
        ) : (
          <button type="button" className="btn quiet" onClick={() => go({ key: '' })}>
            <svg className="i" aria-hidden="true">
              <use href="#i-back" />
            </svg>
            All {groups.find(([group]) => group === by)?.[1].toLowerCase()}
          </button>
        )}
        <span className="spacer" />
        <Choice label="Window" choices={windows} chosen={seconds} onChoose={(next) => go({ seconds: next })} />
        {series !== undefined && (
          <button type="button" className="btn quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            As table
          </button>
        )}
      </div>
      {live.state !== 'ready' && <Pending live={live} what="The metrics" />}
      {live.state === 'ready' && series === undefined && (
        <Overview view={live.value} versions={versions} gone={key !== ''} onOpen={(next) => go({ key: next })} />
      )}
      {live.state === 'ready' && series !== undefined && !asTable && (
        <OneSeries view={live.value} series={series} versions={versions} />
      )}
      {live.state === 'ready' && series !== undefined && asTable && (
        <FigureTable view={live.value} series={series} versions={versions} />
      )}
    </div>
  );
}

interface OverviewProps {
  view: MetricsView;
  versions: ReadonlyMap<string, readonly string[]>;
  /** A series was asked for that has no traffic in this window. */
  gone: boolean;
  onOpen: (key: string) => void;
}

function Overview({ view, versions, gone, onOpen }: OverviewProps) {
  if (view.series.length === 0) return <Empty text="No request in this window. Start the traffic, or send one." />;
  return (
    <>
      {gone && <p className="foot-note pad-line">What this link showed had no request in this window.</p>}
      <SignalTable view={view} versions={versions} onOpen={onOpen} />
      {view.leftOut > 0 && <p className="foot-note pad-line">{view.leftOut} more edges are not counted.</p>}
    </>
  );
}

function versionsOf(nodes: readonly { service: string; version: string }[]): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const { service, version } of nodes) versions.set(service, [...(versions.get(service) ?? []), version]);
  return versions;
}

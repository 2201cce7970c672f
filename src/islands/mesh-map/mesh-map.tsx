import { useMemo, useRef, useState } from 'react';
import type { MeshEdge, MeshView } from '#contract';
import { meshAt } from '../../lab-client/index.ts';
import { Traffic } from '../lab/traffic.tsx';
import { Empty } from '../parts/empty.tsx';
import { Icon, Mark } from '../parts/sign.tsx';
import { useKept } from '../parts/use-kept.ts';
import { useMedia } from '../parts/use-media.ts';
import { useSize } from '../parts/use-size.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { usePast } from '../time-view/use-past.ts';
import { EdgeCounters, EdgeLine, EdgeSigns, FaultBolt, Siding, scaleWords } from './edges.tsx';
import { counterPlace, edgeKey, layoutOf, trackOf } from './layout.ts';
import { loadOf } from './load.ts';
import { Moving } from './moving.tsx';
import { FrameSign, NodeLabel, NodeSign } from './nodes.tsx';
import { type Refused, reachedOf, sidingOf } from './refused.ts';
import { type Sentence, sentencesOf, summaryOf } from './sentences.ts';

/** The living map: who calls whom, how often, and where it goes wrong. */
export function MeshPanel() {
  const { stores } = useLab();
  const live = useStore(stores.mesh);
  const meshes = useStore(stores.meshes);
  const { atMs } = useStore(stores.view);
  const [held, setHeld] = useState<MeshView>();
  const [asList, setAsList] = useState(false);
  const still = useMedia('(prefers-reduced-motion: reduce)');
  const past = usePast();
  const shown = (atMs === undefined ? undefined : (past?.mesh ?? meshAt(meshes, atMs))) ?? held ?? live;
  const reached = useMemo(() => shown && reachedOf(shown), [shown]);
  const mesh = reached?.mesh;
  const paused = held !== undefined || atMs !== undefined;
  const empty = !mesh || mesh.nodes.length === 0;
  return (
    <section className="see" aria-label="Mesh map" id="panel-map">
      <div className="head">
        <h2>Mesh</h2>
        <span className="tag num">{mesh && headWords(mesh)}</span>
        <div className="end">
          <button type="button" className="btn quiet" aria-pressed={asList} onClick={() => setAsList(!asList)}>
            As text
          </button>
          {(paused || still) && atMs === undefined && (
            <button type="button" className="btn quiet" onClick={() => setHeld(live)}>
              Step
            </button>
          )}
          <button
            type="button"
            className="btn"
            disabled={atMs !== undefined}
            onClick={() => setHeld(held ? undefined : live)}
          >
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? 'Go on' : 'Pause'}
          </button>
        </div>
      </div>
      {empty && <Empty text="No workload yet. The map draws itself when pods start." />}
      {!empty && <Still mesh={mesh} />}
      {!empty && !asList && <MeshField mesh={mesh} refused={reached?.refused ?? []} moving={!paused && !still} />}
      {!empty && <SentenceTree mesh={mesh} refused={reached?.refused ?? []} visible={asList} />}
      {!empty && <Summary mesh={mesh} refused={reached?.refused ?? []} />}
      <div className="under">
        <Legend />
        <Traffic />
      </div>
    </section>
  );
}

/** Why the map stays as it is. In a drill that is for the learner to find out. */
function Still({ mesh }: { mesh: MeshView }) {
  const { stores, text } = useLab();
  const sandbox = useStore(stores.sandbox);
  if (!mesh.nodes.some((node) => node.proxied))
    return <p className="unseen">No workload has a proxy: they may call each other, and nobody in between sees it.</p>;
  const steered = sandbox?.pods.some((pod) => pod.role === 'control-plane' && pod.ready > 0) ?? true;
  if (steered || text.incident) return null;
  return <p className="unseen">istiod does not run: each proxy works on with what it was last told.</p>;
}

function headWords(mesh: MeshView): string {
  return `last ${Math.round(mesh.windowMs / 1000)} s · ${scaleWords(mesh.edges)}`;
}

/** Of a field that is smaller than its map. */
const SCROLLED = { tabIndex: 0, role: 'region', 'aria-label': 'The map, moved by the arrow keys' } as const;

interface MeshFieldProps {
  mesh: MeshView;
  refused: readonly Refused[];
  moving: boolean;
}

function MeshField({ mesh, refused, moving }: MeshFieldProps) {
  const { stores } = useLab();
  const seen = useStore(stores.lines);
  const field = useRef<HTMLDivElement>(null);
  const size = useSize(field);
  const narrow = useMedia('(max-width: 599px)');
  // The layout follows who is there and who ever called whom, not the figures: nodes keep their place through pushes.
  const shape = mesh.nodes.map((node) => `${node.id} ${node.role}`).join();
  const nodes = useKept(mesh.nodes, shape);
  const lines = useMemo(() => {
    const known = new Set(nodes.map((node) => node.id));
    return seen.filter((line) => known.has(line.from) && known.has(line.to));
  }, [nodes, seen]);
  const layout = useMemo(
    () => layoutOf(nodes, lines, { ...size, direction: narrow ? 'down' : 'across' }),
    [nodes, lines, size, narrow],
  );
  const now = new Map(mesh.edges.map((edge) => [edgeKey(edge), edge]));
  const placed = new Map(
    layout.nodes.map((one) => [one.node.id, { ...one, node: fresh(mesh, one.node.id) ?? one.node }]),
  );
  const across = layout.direction === 'across';
  const outside = new Set(mesh.nodes.filter((node) => node.role === 'client').map((node) => node.id));
  // A caller's own latency is what it waits for; on its short line from the border a mark only enters.
  const moves = mesh.edges.map((edge) => (outside.has(edge.from) ? { ...edge, p50: 0, slowShare: 0 } : edge));
  const sidings = refused.flatMap((one) => {
    const at = placed.get(one.caller);
    return at ? [{ ...sidingOf(one, at), refused: one }] : [];
  });
  const tracks = useMemo(() => new Map(layout.edges.map((edge) => [edge.key, trackOf(edge)])), [layout]);
  const allTracks = new Map([...tracks, ...sidings.map((one) => [one.placed.key, trackOf(one.placed)] as const)]);
  const faults = mesh.edges.flatMap((edge) => faultOf(edge));
  const versions = (service: string): string[] =>
    mesh.nodes.filter((node) => node.service === service).map((node) => node.version);
  // A map that does not fit is moved by the arrow keys, so the keyboard must reach it.
  const overflows = layout.width > size.width || layout.height > size.height;
  return (
    <div className="field" ref={field} {...(overflows && SCROLLED)}>
      {size.width > 0 && (
        <svg className="mesh" width={layout.width} height={layout.height} aria-hidden="true">
          {layout.frames.map((frame) => (
            <FrameSign key={frame.service} frame={frame} />
          ))}
          {layout.edges.map((edge) => (
            <EdgeLine key={edge.key} placed={edge} edge={now.get(edge.key)} />
          ))}
          {sidings.map((one) => (
            <Siding key={one.placed.key} placed={one.placed} refused={one.refused} />
          ))}
          {moving && <Moving edges={[...moves, ...sidings.map((one) => one.edge)]} tracks={allTracks} />}
          {[...placed.values()].map((one) => (
            <NodeSign key={one.node.id} placed={one} across={across} versions={versions(one.node.service)} />
          ))}
          {layout.edges.map((edge) => {
            const [figures, track] = [now.get(edge.key), tracks.get(edge.key)];
            const [from, to] = [placed.get(edge.from), placed.get(edge.to)];
            if (!figures || !track || !from || !to) return null;
            return (
              <g key={edge.key}>
                <EdgeSigns
                  moving={moving}
                  track={track}
                  edge={figures}
                  from={from}
                  to={to}
                  across={across}
                  width={layout.width}
                  crowded={!across && layout.edges.filter((one) => one.from === edge.from).length > 1}
                />
                {!moving && <EdgeCounters track={track} edge={figures} at={counterPlace(edge, layout.edges, across)} />}
              </g>
            );
          })}
          {faults.map(({ node, kind }) => {
            const at = placed.get(node);
            return at ? <FaultBolt key={`${node} ${kind}`} placed={at} kind={kind} /> : null;
          })}
          {[...placed.values()].map((one) => (
            <NodeLabel
              key={one.node.id}
              placed={one}
              across={across}
              versions={versions(one.node.service)}
              load={loadOf(one.node.id, mesh.edges)}
            />
          ))}
        </svg>
      )}
    </div>
  );
}

function fresh(mesh: MeshView, id: string): MeshView['nodes'][number] | undefined {
  return mesh.nodes.find((node) => node.id === id);
}

function faultOf(edge: MeshEdge): { node: string; kind: 'delay' | 'abort' }[] {
  if ('FI' in edge.flags) return [{ node: edge.from, kind: 'abort' }];
  return 'DI' in edge.flags ? [{ node: edge.from, kind: 'delay' }] : [];
}

interface SentenceTreeProps {
  mesh: MeshView;
  refused: readonly Refused[];
  visible: boolean;
}

function SentenceTree({ mesh, refused, visible }: SentenceTreeProps) {
  return (
    <div className={visible ? 'sentences' : 'sr'}>
      <h3 className="sr">The mesh in sentences</h3>
      <SentenceList list={sentencesOf(mesh, refused)} />
    </div>
  );
}

function SentenceList({ list }: { list: readonly Sentence[] }) {
  return (
    <ul>
      {list.map((sentence) => (
        <li key={sentence.id}>
          {sentence.text}
          {sentence.calls.length > 0 && <SentenceList list={sentence.calls} />}
        </li>
      ))}
    </ul>
  );
}

function Summary({ mesh, refused }: { mesh: MeshView; refused: readonly Refused[] }) {
  return (
    <ul className="sum">
      {summaryOf(mesh, refused).map((line) => (
        <li key={`${line.kind} ${line.name}`} className={line.kind}>
          <Mark name={line.kind} />
          <b>{line.name}</b>
          <span className="num">{line.text}</span>
        </li>
      ))}
    </ul>
  );
}

function Legend() {
  return (
    <div className="key">
      <span>
        <Mark name="ok" size={11} />
        fine
      </span>
      <span>
        <Mark name="slow" size={15} />
        slow
      </span>
      <span>
        <Mark name="error" />
        failed
      </span>
      <span>
        <Mark name="id" />
        mTLS
      </span>
      <span>
        <svg className="mk" width="16" height="16" aria-hidden="true">
          <circle cx="8" cy="8" r="7" className="ring" />
          <circle cx="8" cy="8" r="4" className="ink-fill" />
        </svg>
        app in its proxy
      </span>
    </div>
  );
}

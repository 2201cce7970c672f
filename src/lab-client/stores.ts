import { atom, type PreinitializedWritableAtom } from 'nanostores';
import type {
  ApplyView,
  CheckView,
  Diagnostic,
  ExplanationView,
  HintView,
  MeshEdge,
  MeshView,
  PushView,
  RequestView,
  SandboxView,
  TrafficView,
} from '#contract';
import type { ViewState } from './address.ts';
import type { ConnectionState } from './connection.ts';
import type { AppliedFile, Sheet } from './files.ts';
import type { Bucket } from './history.ts';

type Store<T> = PreinitializedWritableAtom<T>;

export type Explanation =
  | { state: 'none' }
  | { state: 'loading'; request: string }
  | { state: 'ready'; request: string; view: ExplanationView }
  | { state: 'failed'; request: string; message: string };

export type ApplyState =
  | { state: 'idle' }
  | { state: 'running' }
  | { state: 'done'; view: ApplyView }
  | { state: 'failed'; message: string };

/** offline: kept in this browser until the lab answers · unsaved: too large · nowhere: the lab is away and this browser has no room. */
export type Saving = 'saved' | 'waiting' | 'offline' | 'unsaved' | 'nowhere';

export interface Toast {
  id: number;
  text: string;
  error: boolean;
  action?: { label: string; run: () => void };
  /** What it is about: a newer word on the same topic takes its place. */
  topic?: string;
}

/** A line of a file. */
export interface Place {
  file: string;
  line: number;
}

/** Everything that the page shows. Each part is its own store, so that a moving map does not redraw the editor. */
export interface LabStores {
  connection: Store<ConnectionState>;
  /** Where this page should be opened, while it is misplaced. */
  home: Store<string | undefined>;
  /** How often the lab's whole state came: more than once where a mesh had to start again. */
  opened: Store<number>;
  sandbox: Store<SandboxView | undefined>;
  sheets: Store<readonly Sheet[]>;
  applied: Store<readonly AppliedFile[]>;
  saving: Store<Saving>;
  checks: Store<readonly CheckView[]>;
  /** Grows when the learner asks for checks, and when they are answered: each time there is something to look at. */
  asked: Store<number>;
  traffic: Store<readonly TrafficView[]>;
  pushes: Store<readonly PushView[]>;
  requests: Store<readonly RequestView[]>;
  history: Store<readonly Bucket[]>;
  mesh: Store<MeshView | undefined>;
  meshes: Store<readonly MeshView[]>;
  /** Every edge that was seen, so that idle lines and places on the map stay. */
  lines: Store<readonly MeshEdge[]>;
  diagnostics: Store<readonly Diagnostic[]>;
  apply: Store<ApplyState>;
  hints: Store<readonly HintView[]>;
  explanation: Store<Explanation>;
  view: Store<ViewState>;
  toasts: Store<readonly Toast[]>;
  /** The line of the learner's text that was asked for last; asked again, a new object. */
  place: Store<Place | undefined>;
}

export function createStores(view: ViewState): LabStores {
  return {
    connection: atom<ConnectionState>('closed'),
    home: atom<string | undefined>(undefined),
    opened: atom(0),
    sandbox: atom<SandboxView | undefined>(undefined),
    sheets: atom<readonly Sheet[]>([]),
    applied: atom<readonly AppliedFile[]>([]),
    saving: atom<Saving>('saved'),
    checks: atom<readonly CheckView[]>([]),
    asked: atom(0),
    traffic: atom<readonly TrafficView[]>([]),
    pushes: atom<readonly PushView[]>([]),
    requests: atom<readonly RequestView[]>([]),
    history: atom<readonly Bucket[]>([]),
    mesh: atom<MeshView | undefined>(undefined),
    meshes: atom<readonly MeshView[]>([]),
    lines: atom<readonly MeshEdge[]>([]),
    diagnostics: atom<readonly Diagnostic[]>([]),
    apply: atom<ApplyState>({ state: 'idle' }),
    hints: atom<readonly HintView[]>([]),
    explanation: atom<Explanation>({ state: 'none' }),
    view: atom<ViewState>(view),
    toasts: atom<readonly Toast[]>([]),
    place: atom<Place | undefined>(undefined),
  };
}

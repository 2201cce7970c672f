import type { Clock } from '#domain';
import type { PushEvent } from '#xds';
import type { PushSummary } from '../doors.ts';
import { shortType } from './sync-table.ts';

interface ProxyEffect {
  readonly nodeId: string;
  readonly sentMs: number;
  settledMs?: number;
  error?: string;
  readonly types: Set<string>;
  bytes: number;
}

interface Change {
  readonly changeId: string;
  readonly startedMs: number;
  /** Version of the first push that carried the change. */
  versionInfo: string;
  /** All versions that carried it: a later push may overtake the first on a slow proxy. */
  readonly versions: Set<string>;
  /** Proxies that have not answered yet; undefined until the push begins. */
  waiting: Set<string> | undefined;
  /** Those of the waiting that were given their snapshot. */
  readonly pushed: Set<string>;
  readonly proxies: Map<string, ProxyEffect>;
  doneMs: number | undefined;
}

/** Changes remembered, the oldest forgotten first. */
const MAX_CHANGES = 200;

/** Follows each change from the store to the last answer of a proxy. */
export interface ChangeLog {
  open(changeId: string, startedMs: number): void;
  /** The push of these changes begins; it concerns these proxies. */
  begin(changeIds: readonly string[], nodeIds: readonly string[]): void;
  /** A proxy is about to be given a snapshot with these changes. */
  pushing(nodeId: string, changeIds: readonly string[], versionInfo: string): void;
  note(event: PushEvent): void;
  /** A proxy has nothing left to answer. */
  idle(nodeId: string): void;
  /** A proxy could not be given a snapshot with these changes. */
  fail(nodeId: string, changeIds: readonly string[], error: string): void;
  /** A proxy is gone and will not answer. */
  drop(nodeId: string): void;
  /** Resolves when the change waits for no proxy that `concerns` picks, or at `timeoutMs`, with what is known then. */
  settled(changeId: string, timeoutMs: number, concerns: Concerns): Promise<PushSummary>;
  /** Resolves with true when no change so far waits for a proxy that `concerns` picks, or at `timeoutMs` with false. */
  answered(concerns: Concerns, timeoutMs: number): Promise<boolean>;
}

/** Whether somebody waits for this node. */
export type Concerns = (nodeId: string) => boolean;

/** `endMs`: when nobody was waited for any more. */
function effectiveMs(change: Change, endMs: number | undefined): number | undefined {
  if (endMs === undefined) return undefined;
  const effects = [...change.proxies.values()];
  if (effects.length === 0) return endMs - change.startedMs;
  if (effects.some(({ error, settledMs }) => error !== undefined || settledMs === undefined)) return undefined;
  return Math.max(...effects.map(({ settledMs }) => settledMs ?? 0)) - change.startedMs;
}

function summaryOf(change: Change, endMs: number | undefined): PushSummary {
  const effective = effectiveMs(change, endMs);
  return {
    changeId: change.changeId,
    versionInfo: change.versionInfo,
    startedMs: change.startedMs,
    proxies: [...change.proxies.values()].map(({ types, ...effect }) => ({ ...effect, types: [...types] })),
    ...(effective !== undefined && { effectiveMs: effective }),
  };
}

/** Whether changes wait for a node that `concerns` picks. One that is not pushed yet waits for everybody. Asked after every answer. */
function createWaitCheck(concerns: Concerns): (change: Change) => boolean {
  let found = '';
  return ({ doneMs, waiting }) => {
    if (doneMs !== undefined) return false;
    if (waiting === undefined || waiting.has(found)) return true;
    for (const nodeId of waiting) {
      if (!concerns(nodeId)) continue;
      found = nodeId;
      return true;
    }
    return false;
  };
}

function record(change: Change, event: PushEvent): void {
  if (event.state === 'sent') {
    const effect = change.proxies.get(event.nodeId) ?? {
      nodeId: event.nodeId,
      sentMs: event.atMs,
      types: new Set<string>(),
      bytes: 0,
    };
    effect.types.add(shortType(event.typeUrl));
    effect.bytes += event.bytes;
    delete effect.settledMs;
    change.proxies.set(event.nodeId, effect);
    return;
  }
  const effect = change.proxies.get(event.nodeId);
  if (!effect) return;
  if (event.state === 'nacked') {
    effect.error = event.error ?? '';
    delete effect.settledMs;
  } else if (effect.error === undefined) {
    effect.settledMs = event.atMs;
  }
}

class Log implements ChangeLog {
  readonly #clock: Clock;
  readonly #changes = new Map<string, Change>();
  /** Those of them that are not done. */
  readonly #open = new Set<Change>();
  readonly #lookers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(changeId: string, startedMs: number): void {
    const known = this.#changes.get(changeId);
    if (known && known.doneMs === undefined) return;
    this.#changes.delete(changeId);
    const opened: Change = {
      changeId,
      startedMs,
      versionInfo: '',
      versions: new Set(),
      waiting: undefined,
      pushed: new Set(),
      proxies: new Map(),
      doneMs: undefined,
    };
    this.#changes.set(changeId, opened);
    this.#open.add(opened);
    for (const [oldest, change] of this.#changes) {
      if (this.#changes.size <= MAX_CHANGES) return;
      this.#changes.delete(oldest);
      this.#open.delete(change);
    }
  }

  begin(changeIds: readonly string[], nodeIds: readonly string[]): void {
    for (const changeId of changeIds) {
      const change = this.#changes.get(changeId);
      if (!change) continue;
      change.waiting = new Set(nodeIds);
      this.#finishIfDone(change);
    }
    this.#look();
  }

  pushing(nodeId: string, changeIds: readonly string[], versionInfo: string): void {
    for (const change of this.#waitingFor(nodeId)) {
      if (changeIds.includes(change.changeId)) change.pushed.add(nodeId);
      if (!change.pushed.has(nodeId)) continue;
      if (change.versionInfo === '') change.versionInfo = versionInfo;
      change.versions.add(versionInfo);
    }
  }

  note(event: PushEvent): void {
    for (const change of this.#waitingFor(event.nodeId)) {
      if (change.pushed.has(event.nodeId) && change.versions.has(event.versionInfo)) record(change, event);
    }
  }

  idle(nodeId: string): void {
    for (const change of this.#waitingFor(nodeId)) {
      if (!change.pushed.has(nodeId)) continue;
      change.waiting?.delete(nodeId);
      this.#finishIfDone(change);
    }
    this.#look();
  }

  fail(nodeId: string, changeIds: readonly string[], error: string): void {
    for (const change of this.#waitingFor(nodeId)) {
      if (!changeIds.includes(change.changeId)) continue;
      change.waiting?.delete(nodeId);
      change.proxies.set(nodeId, { nodeId, sentMs: this.#clock.now(), error, types: new Set(), bytes: 0 });
      this.#finishIfDone(change);
    }
    this.#look();
  }

  drop(nodeId: string): void {
    for (const change of this.#waitingFor(nodeId)) {
      change.waiting?.delete(nodeId);
      const effect = change.proxies.get(nodeId);
      if (effect && effect.settledMs === undefined && effect.error === undefined) change.proxies.delete(nodeId);
      this.#finishIfDone(change);
    }
    this.#look();
  }

  async settled(changeId: string, timeoutMs: number, concerns: Concerns): Promise<PushSummary> {
    const waits = createWaitCheck(concerns);
    const isSettled = (): boolean => {
      const change = this.#changes.get(changeId);
      return change !== undefined && !waits(change);
    };
    const settledMs = (await this.#until(isSettled, timeoutMs)) ? this.#clock.now() : undefined;
    const change = this.#changes.get(changeId);
    return change
      ? summaryOf(change, change.doneMs ?? settledMs)
      : { changeId, versionInfo: '', startedMs: this.#clock.now(), proxies: [] };
  }

  answered(concerns: Concerns, timeoutMs: number): Promise<boolean> {
    const waits = createWaitCheck(concerns);
    const open = [...this.#changes.values()].filter(({ doneMs }) => doneMs === undefined);
    const isAnswered = (): boolean =>
      open.every((change) => this.#changes.get(change.changeId) !== change || !waits(change));
    return this.#until(isAnswered, timeoutMs);
  }

  /** Resolves with true as soon as `met` holds, or at `timeoutMs` with false. */
  #until(met: () => boolean, timeoutMs: number): Promise<boolean> {
    if (met()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isMet: boolean): void => {
        timer.cancel();
        this.#lookers.delete(look);
        resolve(isMet);
      };
      const look = (): void => {
        if (met()) end(true);
      };
      const timer = this.#clock.after(timeoutMs, () => end(false));
      this.#lookers.add(look);
    });
  }

  #look(): void {
    for (const look of [...this.#lookers]) look();
  }

  #waitingFor(nodeId: string): Change[] {
    return [...this.#open].filter((change) => change.waiting?.has(nodeId));
  }

  #finishIfDone(change: Change): void {
    if (change.doneMs !== undefined || !change.waiting || change.waiting.size > 0) return;
    change.doneMs = this.#clock.now();
    this.#open.delete(change);
  }
}

export function createChangeLog(clock: Clock): ChangeLog {
  return new Log(clock);
}

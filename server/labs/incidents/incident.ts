import type { IncidentEntry, IncidentScore, IncidentState, IncidentVerdict, IncidentView } from '#contract';
import { MeshworkError, type Timer } from '#domain';
import { stateHolds } from '../probes/state.ts';
import type { Sending, SentRequest } from '../traffic.ts';
import { createDeploys, type Deployed } from './deploys.ts';
import type { Incident, IncidentOptions, IncidentPush } from './doors.ts';
import { createFigures } from './figures.ts';
import { mistakeIn } from './mistakes.ts';
import { judgeProof, type ProofFacts, proofView } from './proofs.ts';
import { postmortemOf, resultOf, scoresOf } from './result.ts';
import { isSeen, signNames } from './signs.ts';
import { createTrouble } from './trouble.ts';
import { createWellness } from './wellness.ts';

const TICK_MS = 250;
const TELL_MS = 1000;
const HINT_COSTS_MS = 60_000;
const EFFECT_AFTER_MS = 6000;
/** Looking at one thing for long is told once. */
const SAME_LOOK_MS = 60_000;
const MAX_ENTRIES = 200;
/** The traffic as which the changes of others count. */
const DEPLOYS = 'deploys';
const USERS_KEPT = 500;

export function createIncident(options: IncidentOptions): Incident {
  return new Drill(options);
}

class Drill implements Incident {
  readonly #options: IncidentOptions;
  readonly #wellness;
  readonly #trouble;
  readonly #deploys;
  readonly #pushes = new Map<number, IncidentPush>();
  readonly #experiments = new Set<string>();
  readonly #figures;
  #state: IncidentState = 'ready';
  #untimed = false;
  #pagedMs: number | undefined;
  #symptomMs: number | undefined;
  #safeMs: number | undefined;
  #causeMs: number | undefined;
  #overMs: number | undefined;
  #remedy: string | undefined;
  #entries: IncidentEntry[] = [];
  #opened = 0;
  #ownPushes = 0;
  #wrongGuesses = 0;
  #lastPushMs = Number.POSITIVE_INFINITY;
  #lastPush: IncidentPush | undefined;
  /** What the learner changed before users suffered again. */
  #relapse: IncidentPush | undefined;
  #refused: string | undefined;
  #users: { readonly traceId: string; readonly endedMs: number }[] = [];
  #largestPush = 0;
  #toldMs = 0;
  #timer: Timer | undefined;

  constructor(options: IncidentOptions) {
    this.#options = options;
    this.#wellness = createWellness(options.spec);
    this.#figures = createFigures(options.spec.cause.proofs);
    this.#trouble = createTrouble({
      lab: options.lab,
      clock: options.clock,
      sandbox: () => options.context().sandbox,
      apply: options.apply,
      send: options.send,
      onAction: () => this.#tell(),
    });
    const { deploys } = options.spec;
    this.#deploys =
      deploys &&
      createDeploys({
        spec: deploys,
        lab: options.lab,
        clock: options.clock,
        sandbox: () => options.context().sandbox,
        deploy: options.deploy,
        onDeployed: (deployed) => this.#deployed(deployed),
      });
  }

  start({ untimed, leadMs }: { readonly untimed: boolean; readonly leadMs?: number }): IncidentView {
    if (this.#state !== 'ready') return this.view();
    this.#state = 'quiet';
    this.#untimed = untimed;
    this.#wellness.begin();
    this.#trouble.begin(this.#options.spec.schedule, leadMs);
    this.#deploys?.begin();
    this.#tick();
    this.#tell();
    return this.view();
  }

  sent(sending: Sending, ended: SentRequest): void {
    if (this.#state === 'ready' || this.#state === 'over') return;
    this.#wellness.note(sending, ended, this.#now());
    if (!this.#options.spec.users.includes(sending.traffic)) return;
    this.#users.push({ traceId: sending.traceId, endedMs: this.#now() });
    if (this.#users.length > 2 * USERS_KEPT) this.#users = this.#users.slice(-USERS_KEPT);
  }

  pushed(push: IncidentPush): void {
    this.#pushes.set(push.number, push);
    if (push.foreign || this.#pagedMs === undefined || this.#state === 'over') return;
    this.#ownPushes += 1;
    this.#lastPushMs = this.#now();
    this.#lastPush = push;
    this.#refused = undefined;
    const objects = push.objects.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    const entry = this.#note('push', `Push ${push.number} (${push.title})${objects ? ` changed ${objects}` : ''}.`);
    const before = this.#wellness.failingNow(this.#now());
    this.#options.clock.after(EFFECT_AFTER_MS, () => {
      const after = this.#wellness.failingNow(this.#now());
      const index = this.#entries.indexOf(entry);
      if (index >= 0)
        this.#entries[index] = {
          ...entry,
          text: `${entry.text} Failing: ${percent(before)} before, ${percent(after)} after.`,
        };
    });
    this.#tell();
  }

  weighed(bytes: number): void {
    if (this.#state !== 'ready') this.#largestPush = Math.max(this.#largestPush, bytes);
  }

  looked(text: string): void {
    if (this.#pagedMs === undefined || this.#state === 'over') return;
    const sinceMs = this.#now() - this.#pagedMs - SAME_LOOK_MS;
    if (this.#entries.some((entry) => entry.text === text && entry.atMs >= sinceMs)) return;
    this.#note('look', text);
    this.#tell();
  }

  symptom({ from, to, sign }: { readonly from: string; readonly to: string; readonly sign: string }): IncidentVerdict {
    const { spec, context } = this.#options;
    const where = `${from} to ${to}`;
    if (this.#pagedMs === undefined) return this.#verdict(false, 'Nobody was paged yet.');
    if (!isSeen(sign, { from, to }, { sandbox: context().sandbox, deploys: this.#deploys })) {
      this.#guessed(`You named “${sign}” from ${where}. The proxies recorded no such thing there.`);
      return this.#verdict(false, `The proxies recorded nothing of that kind from ${where} in the last minute.`);
    }
    const right = spec.symptom.accept.some(
      (one) => (one.from ?? from) === from && (one.to ?? to) === to && one.signs.includes(sign),
    );
    if (!right) {
      this.#guessed(`You named “${sign}” from ${where}. It is there, and it follows from something else.`);
      return this.#verdict(
        false,
        'That is there, but it only follows. Go on along the calls, to the place where it begins.',
      );
    }
    if (this.#symptomMs === undefined) {
      this.#symptomMs = this.#now();
      this.#note('right', `You named the symptom: ${sign}, from ${where}.`);
    }
    this.#tell();
    return this.#verdict(true, spec.symptom.said);
  }

  cause(said: { readonly cause: string; readonly proof: string; readonly value: string }): IncidentVerdict {
    const { spec } = this.#options;
    if (this.#pagedMs === undefined) return this.#verdict(false, 'Nobody was paged yet.');
    const proof = spec.cause.proofs.find(({ id }) => id === said.proof);
    const choice = spec.cause.choices.find(({ id }) => id === said.cause);
    if (!proof || !choice) return this.#verdict(false, 'Choose a cause, and what proves it.');
    const judged = judgeProof(proof, said.value, this.#facts());
    if (said.cause !== spec.cause.right) {
      this.#guessed(`You named a cause that does not explain it: ${choice.text}`);
      return this.#verdict(false, 'With that cause the proxies would have recorded something else.');
    }
    if (!judged.right) {
      this.#guessed(`You named a cause, and the proof did not hold: ${proof.title}`);
      return this.#verdict(false, `The cause may be right; this does not prove it. ${judged.text}`);
    }
    this.#causeMs ??= this.#now();
    this.#note('right', `You proved the cause: ${choice.text} Proof: ${proof.title}`);
    this.#finishIfDone();
    this.#tell();
    return this.#verdict(true, judged.text);
  }

  hint(): IncidentView {
    if (this.#pagedMs === undefined)
      throw new MeshworkError('no_more_hints', 'There is nothing to look for before the page.');
    const { hints } = this.#options.spec;
    if (this.#opened >= hints.length) throw new MeshworkError('no_more_hints', 'There is no further hint.');
    this.#opened += 1;
    this.#note('hint', `Hint ${this.#opened} of ${hints.length}.`);
    this.#tell();
    return this.view();
  }

  end(): IncidentView {
    if (this.#state === 'ready' || this.#state === 'over') return this.view();
    this.#note('end', 'You ended the drill.');
    this.#over();
    return this.view();
  }

  postmortem(): string {
    return postmortemOf(this.#drillFacts());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#trouble.stop();
    this.#deploys?.stop();
  }

  view(): IncidentView {
    const { spec, edges, context } = this.#options;
    const { sandbox } = context();
    const nowMs = this.#overMs ?? this.#now();
    return {
      state: this.#state,
      untimed: this.#untimed,
      page: spec.page,
      ...(this.#pagedMs === undefined ? {} : { pagedMs: this.#pagedMs }),
      nowMs,
      budget: { failed: this.#wellness.users().failed, of: spec.budget },
      users: { ...this.#wellness.users(), failingNow: this.#wellness.failingNow(nowMs) },
      others: this.#wellness.others(),
      pushes: this.#ownPushes,
      entries: [...this.#entries],
      scores: this.#scores(),
      symptomNamed: this.#symptomMs !== undefined,
      causeNamed: this.#causeMs !== undefined,
      edges: edges().map(({ from, to }) => ({ from, to })),
      signs: [...signNames],
      causes: [...spec.cause.choices],
      proofs: spec.cause.proofs.map((proof) => proofView(proof, { sandbox, experiments: this.#experiments })),
      hints: { opened: spec.hints.slice(0, this.#opened), of: spec.hints.length },
      ...(this.#state === 'over' ? { result: resultOf(this.#drillFacts()) } : {}),
    };
  }

  // Inside

  #now(): number {
    return this.#options.clock.now();
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(TICK_MS, () => this.#tick());
    const nowMs = this.#now();
    if (this.#state === 'quiet' && this.#trouble.begun() && this.#wellness.alarming(nowMs)) this.#page(nowMs);
    else if (this.#state === 'paged') this.#lookForCalm(nowMs);
    else if (this.#state === 'safe') this.#lookForRelapse(nowMs);
    if (this.#state === 'paged') this.#measure(this.#pagedMs ?? nowMs);
    if (nowMs - this.#toldMs >= TELL_MS) this.#tell();
  }

  #page(nowMs: number): void {
    this.#state = 'paged';
    this.#pagedMs = nowMs;
    // Figures are of the trouble: what was seen before it is left out.
    this.#users = [];
    this.#note('page', `Page: ${this.#options.spec.page}`);
    this.#tell();
  }

  /** A small change of somebody else is in force: a request like others. */
  #deployed({ atMs, late }: Deployed): void {
    this.#wellness.note({ traffic: DEPLOYS, atMs }, { status: late ? 504 : 200, tookMs: 0 }, this.#now());
  }

  /** Users are well because of a change that counts. */
  #lookForCalm(nowMs: number): void {
    const { spec, context } = this.#options;
    if (!this.#wellness.calm(this.#lastPushMs, nowMs)) return;
    const wrong = mistakeIn(spec, context(), [...this.#pushes.values()]);
    if (wrong) {
      if (this.#refused === wrong.id) return;
      this.#refused = wrong.id;
      this.#note('wrong', `Users are served, but this does not count as mitigation: ${wrong.why}`);
      this.#tell();
      return;
    }
    const known = spec.remedies.find(({ detect }) => stateHolds(detect, context()));
    const text = known?.title ?? this.#lastPush?.title ?? 'a change';
    this.#state = 'safe';
    this.#safeMs ??= nowMs;
    this.#remedy ??= known?.title ?? `push ${this.#lastPush?.number} (${text})`;
    this.#note(
      'safe',
      known ? `Users are safe again: ${known.title}.` : `Users are safe again, by push ${this.#lastPush?.number}.`,
    );
    if (this.#relapse) this.#learnFrom(this.#relapse);
    this.#relapse = undefined;
    this.#finishIfDone();
    this.#tell();
  }

  #lookForRelapse(nowMs: number): void {
    if (!this.#wellness.alarming(nowMs) || this.#wellness.calm(this.#safeMs ?? 0, nowMs)) return;
    this.#state = 'paged';
    this.#relapse = this.#lastPush;
    this.#note('back', 'Users suffer again.');
    this.#tell();
  }

  /** Trouble came with one change of the learner and went with another: what they changed is its cause. */
  #learnFrom(relapse: IncidentPush): void {
    for (const { id, experiment } of this.#options.spec.cause.proofs) {
      if (experiment && relapse.objects.some(({ kind, name }) => kind === experiment.kind && name === experiment.name))
        this.#experiments.add(id);
    }
  }

  /** Figures are of the trouble, so they are taken while it lasts. */
  #measure(pagedMs: number): void {
    const { sandbox } = this.#options.context();
    this.#figures.sample({ sandbox, pagedMs, users: this.#users, largestPush: this.#largestPush });
  }

  #facts(): ProofFacts {
    const { spec, context } = this.#options;
    return {
      sandbox: context().sandbox,
      spec,
      strained: this.#trouble.strained(),
      push: (number) => this.#pushes.get(number),
      readings: (proof) => this.#figures.of(proof),
      experiments: this.#experiments,
    };
  }

  #scores(): IncidentScore[] {
    return scoresOf(this.#options.spec, {
      pagedMs: this.#pagedMs,
      lateMs: this.#opened * HINT_COSTS_MS,
      ends: { symptom: this.#symptomMs, mitigation: this.#safeMs, cause: this.#causeMs },
    });
  }

  #finishIfDone(): void {
    if (this.#state === 'safe' && this.#causeMs !== undefined) this.#over();
  }

  #over(): void {
    this.#overMs = this.#now();
    this.#state = 'over';
    this.stop();
    this.#tell();
  }

  #drillFacts() {
    const { spec, lab } = this.#options;
    const users = this.#wellness.users();
    const endMs = this.#safeMs ?? this.#overMs ?? this.#now();
    return {
      spec,
      title: lab.spec.title,
      untimed: this.#untimed,
      scores: this.#scores(),
      failed: users.failed,
      requests: users.requests,
      othersFailed: this.#wellness.others().failed,
      pushes: this.#ownPushes,
      hints: this.#opened,
      wrongGuesses: this.#wrongGuesses,
      entries: this.#entries,
      lastedMs: this.#pagedMs === undefined ? 0 : endMs - this.#pagedMs,
      remedy: this.#remedy,
    };
  }

  #guessed(text: string): void {
    this.#wrongGuesses += 1;
    this.#note('wrong', text);
    this.#tell();
  }

  #note(kind: IncidentEntry['kind'], text: string): IncidentEntry {
    const entry = { atMs: this.#now() - (this.#pagedMs ?? this.#now()), kind, text };
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.splice(1, 1);
    return entry;
  }

  #verdict(right: boolean, text: string): IncidentVerdict {
    return { right, text, incident: this.view() };
  }

  #tell(): void {
    this.#toldMs = this.#now();
    this.#options.onChange(this.view());
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

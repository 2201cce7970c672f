import type { ApplyReport } from './apply.ts';
import type { CheckingReport } from './checking.ts';
import type { IdentityReport } from './identity.ts';
import type { LatencyReport } from './latency.ts';
import type { LoadResult } from './measure.ts';
import type { MemoryReport } from './memory.ts';
import type { Page } from './mesh-path.ts';
import type { RecordingReport } from './recording.ts';
import type { ScreenReport } from './screen/index.ts';
import type { StartReport } from './start.ts';
import type { TranslationReport } from './translation.ts';

/** Why a part was left out. */
export interface Skipped {
  readonly skipped: string;
}

export interface Throughput {
  readonly page: Page;
  readonly results: readonly LoadResult[];
  /** Requests per second through the mesh, as a multiple of nginx behind nginx. */
  readonly ratio: number;
}

export interface Report {
  readonly node: string;
  readonly latency: LatencyReport | Skipped;
  readonly throughput: readonly Throughput[] | Skipped;
  readonly recording: RecordingReport | Skipped;
  /** By the number of sidecars. */
  readonly apply: readonly ApplyReport[];
  readonly checking: CheckingReport;
  readonly translation: TranslationReport;
  readonly start: StartReport;
  readonly memory: MemoryReport;
  readonly identity: IdentityReport;
  readonly screen: ScreenReport | Skipped;
}

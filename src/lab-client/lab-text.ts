/** What a lab says of itself. It comes with the page: a learner reads while the mesh starts. */
export interface LabText {
  id: string;
  title: string;
  day: number;
  minutes: number;
  /** The lab is an incident: a drill takes the place of checks and hints. */
  incident: boolean;
  /** The lab is the blame game: rounds take the place of checks. */
  blame: boolean;
  /** In HTML made from our own Markdown; commands carry `data-run`. */
  steps: { id: string; title: string; html: string }[];
  /** What to do in an incident, as HTML; empty in a lab that is none. */
  runbook: string;
}

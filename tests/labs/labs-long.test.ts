import { proveLongLabs } from '../support/prove-labs.ts';

proveLongLabs();

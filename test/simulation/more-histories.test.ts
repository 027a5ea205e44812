// The second part of the histories, so that both of the machine's cores have work.
import { testHistories } from './histories.ts';

testHistories(1);

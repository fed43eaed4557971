// The script of all pages. Each part looks for what it improves, and leaves alone what is not there.
import { offerVoice } from "./aloud";
import { offerCopies } from "./copy";
import { offerExit } from "./exit";
import { enhanceForms } from "./forms";
import { followLive } from "./live";
import { offerPasskeys } from "./passkey";
import { watchPhotos } from "./photo";
import { keepSaved } from "./saved";

enhanceForms();
offerCopies();
offerExit();
offerVoice();
followLive();
offerPasskeys();
watchPhotos();
keepSaved();

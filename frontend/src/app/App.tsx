import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from "preact-iso";
import { outbox, watchPage } from "@/api/outbox";
import { readSession, user } from "@/api/session";
import { keymapRead } from "@/core/keymap";
import { listenToKeyboard, registry } from "@/ui/commands";
import { Failed } from "@/ui/States";
import { Toasts } from "@/ui/Toasts";
import { Login } from "./Login";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";
import { SignInAgain } from "./SignInAgain";

const Projects = lazy(() => import("@/features/projects/Projects"));
const Overview = lazy(() => import("@/features/overview/Overview"));
const Label = lazy(() => import("@/features/labeling/Label"));
const LabelOne = lazy(() => import("@/features/labeling/LabelOne"));
const Review = lazy(() => import("@/features/review/Review"));
const Images = lazy(() => import("@/features/images/Images"));
const Categories = lazy(() => import("@/features/categories/Categories"));
const MapPage = lazy(() => import("@/features/map/Map"));
const Models = lazy(() => import("@/features/training/Models"));
const Run = lazy(() => import("@/features/training/Run"));
const Describe = lazy(() => import("@/features/categories/Describe"));
const Certificates = lazy(() => import("@/features/certificates/Certificates"));
const People = lazy(() => import("@/features/insights/People"));
const LabelErrors = lazy(() => import("@/features/insights/LabelErrors"));
const Cost = lazy(() => import("@/features/insights/Cost"));
const Report = lazy(() => import("@/features/insights/Report"));
const Exports = lazy(() => import("@/features/exports/Exports"));
const Settings = lazy(() => import("@/features/settings/Settings"));
const Team = lazy(() => import("@/features/team/Team"));

export function App() {
  return (
    <LocationProvider>
      <Root />
      <Toasts />
    </LocationProvider>
  );
}

function Root() {
  const [error, setError] = useState<Error | null>(null);
  const start = (): void => {
    setError(null);
    readSession().catch(setError);
  };
  // once, when the page opens
  useEffect(() => {
    start();
    watchPage();
    return listenToKeyboard();
  }, []);

  const person = user.value;
  const id = person?.id;
  useEffect(() => {
    if (id !== undefined) void outbox.open(id);
  }, [id]);
  useLayoutEffect(() => {
    if (person) registry.rebind(keymapRead(person.keymap));
  }, [person]);

  const { path, route } = useLocation();
  useEffect(() => {
    if (person === null && path !== "/login") route(`/login?next=${encodeURIComponent(path)}`, true);
  }, [person, path, route]);

  if (error) return <Failed error={error} onRetry={start} />;
  if (person === undefined) return null;
  if (person === null || path === "/login") return <Login />;
  return (
    <>
      <Shell>
        <Pages />
      </Shell>
      <SignInAgain />
    </>
  );
}

function Pages() {
  return (
    <ErrorBoundary>
      <Router>
        <Route path="/" component={Projects} />
        <Route path="/p/:id" component={Overview} />
        <Route path="/p/:id/label" component={Label} />
        <Route path="/p/:id/label/one" component={LabelOne} />
        <Route path="/p/:id/review" component={Review} />
        <Route path="/p/:id/images" component={Images} />
        <Route path="/p/:id/categories" component={Categories} />
        <Route path="/p/:id/map" component={MapPage} />
        <Route path="/p/:id/models" component={Models} />
        <Route path="/p/:id/models/:run" component={Run} />
        <Route path="/p/:id/categories/new" component={Describe} />
        <Route path="/p/:id/certificates" component={Certificates} />
        <Route path="/p/:id/insights" component={People} />
        <Route path="/p/:id/insights/errors" component={LabelErrors} />
        <Route path="/p/:id/insights/cost" component={Cost} />
        <Route path="/p/:id/insights/report" component={Report} />
        <Route path="/p/:id/exports" component={Exports} />
        <Route path="/p/:id/team" component={Team} />
        <Route path="/p/:id/settings" component={Settings} />
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}

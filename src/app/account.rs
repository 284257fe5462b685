//! Signing in and one's own account.

use super::{Place, Row, get, post, revoking};
use crate::context::Context;
use crate::portal::trouble::answer;
use crate::portal::{account, asking, consent, desk, joining, page, passwords, second_factor, sign_in, sign_out};
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Home,
    Asset,
    SignIn,
    PostedSignIn,
    SignOut,
    Consent,
    AskAdmins,
    Account,
    SwitchOrganization,
    EndApp,
    EndSession,
    ChangePassword,
    ChangedPassword,
    SecondFactor,
    EnrolSecondFactor,
    EndSecondFactor,
    ForgotPassword,
    PostedForgotPassword,
    ResetPassword,
    PostedResetPassword,
    Invitation,
    PostedInvitation,
    SignUp,
    PostedSignUp,
    ConfirmSignUp,
    PostedConfirmSignUp,
}

pub static ROWS: [Row<Route>; 26] = [
    get("/", Route::Home),
    get("/assets/{file}", Route::Asset),
    get("/login", Route::SignIn),
    post("/login", Route::PostedSignIn),
    post("/logout", Route::SignOut),
    post("/consent", Route::Consent),
    post("/consent/ask", Route::AskAdmins),
    get("/account", Route::Account),
    post("/organization", Route::SwitchOrganization),
    revoking("/account/apps", Route::EndApp),
    revoking("/account/sessions", Route::EndSession),
    get("/account/password", Route::ChangePassword),
    post("/account/password", Route::ChangedPassword),
    get("/account/totp", Route::SecondFactor),
    post("/account/totp", Route::EnrolSecondFactor),
    post("/account/totp/disable", Route::EndSecondFactor),
    get("/password/forgot", Route::ForgotPassword),
    post("/password/forgot", Route::PostedForgotPassword),
    get("/password/reset", Route::ResetPassword),
    post("/password/reset", Route::PostedResetPassword),
    get("/invitation", Route::Invitation),
    post("/invitation", Route::PostedInvitation),
    get("/sign-up", Route::SignUp),
    post("/sign-up", Route::PostedSignUp),
    get("/sign-up/confirm", Route::ConfirmSignUp),
    post("/sign-up/confirm", Route::PostedConfirmSignUp),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    match route {
        Route::Home => page(account::home(ctx, request).await),
        Route::Asset => page::asset(ctx, place.get("file")),
        Route::SignIn => page(sign_in::get(ctx, request).await),
        Route::PostedSignIn => page(sign_in::post(ctx, request).await),
        Route::SignOut => page(sign_out::post(ctx, request).await),
        Route::Consent => page(consent::post(ctx, request).await),
        Route::AskAdmins => page(asking::post(ctx, request).await),
        Route::SwitchOrganization => page(desk::switch(ctx, request).await),
        Route::Account => page(account::get(ctx, request).await),
        Route::EndApp => page(account::end_app(ctx, request).await),
        Route::EndSession => page(account::end_session(ctx, request).await),
        Route::ChangePassword => page(passwords::change(ctx, request).await),
        Route::ChangedPassword => page(passwords::post_change(ctx, request).await),
        Route::SecondFactor => page(second_factor::get(ctx, request).await),
        Route::EnrolSecondFactor => page(second_factor::enrol(ctx, request).await),
        Route::EndSecondFactor => page(second_factor::disable(ctx, request).await),
        Route::ForgotPassword => page(passwords::forgot(ctx, request).await),
        Route::PostedForgotPassword => page(passwords::post_forgot(ctx, request).await),
        Route::ResetPassword => page(passwords::reset(ctx, request).await),
        Route::PostedResetPassword => page(passwords::post_reset(ctx, request).await),
        Route::Invitation => page(joining::invitation(ctx, request).await),
        Route::PostedInvitation => page(joining::post_invitation(ctx, request).await),
        Route::SignUp => page(joining::sign_up(ctx, request).await),
        Route::PostedSignUp => page(joining::post_sign_up(ctx, request).await),
        Route::ConfirmSignUp => page(joining::confirm(ctx, request).await),
        Route::PostedConfirmSignUp => page(joining::post_confirm(ctx, request).await),
    }
}

//! (server) The entries of the gallery: for each component its sample, its style sheet, and what
//! users of a keyboard or a screen reader get. Everything else is in its source: see
//! [`super::catalog`].

use super::samples;
use leptos::prelude::AnyView;

/// A group of entries in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Forms,
    Actions,
    Messages,
    Content,
    Identity,
    Layout,
}

impl Group {
    pub(super) const ALL: [Self; 6] =
        [Self::Forms, Self::Actions, Self::Messages, Self::Content, Self::Identity, Self::Layout];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Forms => "Forms",
            Self::Actions => "Actions",
            Self::Messages => "Messages",
            Self::Content => "Content",
            Self::Identity => "Identity",
            Self::Layout => "Layout",
        }
    }
}

/// An entry of the gallery.
pub(super) struct Entry {
    /// The name of the component.
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// The height of the frame in pixels.
    pub(super) height: u16,
    /// The path of the style sheet; empty for none.
    pub(super) style: &'static str,
    /// Texts that are read out, and keys that work.
    pub(super) accessibility: &'static str,
    pub(super) sample: fn() -> AnyView,
    /// The name of the function `sample`, whose code is shown.
    pub(super) sample_name: &'static str,
}

macro_rules! entries {
    ($($group:ident { $($name:ident, $sample:ident, $height:literal, $style:literal:
        $accessibility:literal;)+ })+) => {
        /// All entries, in the order of the navigation.
        pub(super) const ENTRIES: &[Entry] = &[$($(Entry {
            name: stringify!($name),
            group: Group::$group,
            height: $height,
            style: $style,
            accessibility: $accessibility,
            sample: samples::$sample,
            sample_name: stringify!($sample),
        },)+)+];
    };
}

entries! {
    Forms {
        Form, form, 400, "style/components/form.css":
            "A form with an error moves the focus to the first field with an error, or reads the \
             notice at once. Enter sends it from every field. While it is being sent, a second \
             Enter does nothing.";
        TextField, text_field, 330, "style/components/field.css":
            "The label belongs to the field. Hint and error are its description, and are read with \
             it. A field with an error is announced as invalid.";
        PasswordField, password_field, 300, "style/components/field.css":
            "The button says “Show password” or “Hide password”, and names the field that it \
             changes. Caps Lock is announced as soon as a key is pressed.";
        CodeField, code_field, 180, "style/components/field.css":
            "Phones offer the code from the message, and show digits. The error is the description \
             of the field.";
        Checkbox, checkbox, 90, "style/components/checkbox.css":
            "The text is the label, and a click on it changes the box. Space changes it too.";
        UsernameField, username_field, 90, "":
            "Screen readers and the keyboard skip it. Only password managers read it.";
        SubmitButton, submit_button, 240, "style/components/button.css":
            "While the form is being sent, the button keeps the focus, says what happens, and is \
             announced as unavailable.";
    }
    Actions {
        PostButton, post_button, 110, "style/components/button.css":
            "An ordinary button of a form: Enter and Space press it. After a row was removed, the \
             result is read, and the focus moves to the next row.";
        Dialog, dialog, 320, "style/components/dialog.css":
            "The dialog is read with its title and its description. Escape and the button “Cancel” \
             close it, and the focus returns to the button that opened it.";
        Menu, menu, 280, "style/components/menu.css":
            "Enter and Space open it, Tab moves through the links, Escape closes it and returns \
             the focus to the button.";
        Cooldown, cooldown, 130, "style/components/cooldown.css":
            "The action can't be reached by keyboard before it is shown. The seconds are not \
             announced.";
        theme_switch, switch_of_themes, 110, "style/components/theme-switch.css":
            "Three radio buttons with a common name: the arrow keys choose one. It is shown only \
             if scripts run.";
    }
    Messages {
        Notice, notice, 340, "style/components/notice.css":
            "Announced when it appears. An error interrupts the screen reader (`alert`); other \
             messages wait (`status`).";
        problem_notice, notices_of_problems, 460, "style/components/notice.css":
            "Read at once. Errors of several fields are links to these fields.";
        ConnectionStatus, connection_status, 140, "style/components/connection-status.css":
            "Announced politely when the connection is lost and when it is back.";
        interpolate, sentence_with_link, 90, "":
            "The element is a part of the sentence, and is read at its place.";
    }
    Content {
        Card, card, 250, "style/components/card.css":
            "A section whose title is a heading of the second level.";
        List, list, 320, "style/components/list.css":
            "Announced as a list with the number of its rows.";
        icon, icons, 130, "style/components/icon.css":
            "Not read out: the text beside an icon says what it means.";
        icon_box, boxes_of_icons, 110, "style/components/icon.css":
            "Not read out: the text beside an icon says what it means.";
        Date, date, 90, "":
            "The element has the exact date for programs.";
        DateTime, date_and_time, 90, "":
            "The element has the exact time for programs.";
        RelativeTime, relative_time, 90, "":
            "The exact time is a tooltip.";
        TimeOfDay, time_of_day, 90, "":
            "The exact time is a tooltip.";
    }
    Identity {
        avatar, avatars, 120, "style/components/avatar.css":
            "Not read out: the name is beside it.";
        identity, identity_of_user, 120, "style/components/avatar.css":
            "Name and address are read, the initials are not.";
        email_address, email_address, 90, "":
            "Read as one address, whether or not it needs two lines.";
        wordmark, wordmark, 120, "style/components/logo.css":
            "The name of the product, or the text of its logo.";
        auth_logo, logo, 140, "style/components/auth-layout.css":
            "A link with the name of the product.";
    }
    Layout {
        PageHeader, page_header, 150, "":
            "The only heading of the first level. The window title is read when the page opens.";
        window_title, title_of_window, 90, "":
            "Read when the page opens, and shown in the tab.";
        SideNav, side_nav, 330, "style/components/side-nav.css":
            "A navigation with a name. The link of the current page is announced as such.";
        AuthLayout, auth_layout, 620, "style/components/auth-layout.css":
            "The logo is a link with the name of the product. The heading is that of the page.";
        SiteHeader, site_header, 330, "style/components/site-header.css":
            "The header of the page, with a navigation of its own. A link before it skips to the \
             content.";
        SiteFooter, site_footer, 130, "style/components/site-header.css":
            "The footer of the page. The links of the operator are a navigation with a name.";
    }
}

package demo

import (
	"context"

	"nidan/internal/account"
	"nidan/internal/maintenance"
	"nidan/internal/notice"
	"nidan/internal/store"
)

// onNotices is when the operators write their notices.
const onNotices = 4.43

// writeNotices are the operators' own words beside what writes itself: one to
// everybody, one to Portal Admins alone.
func (s *story) writeNotices(ctx context.Context) error {
	return s.asOperator(ctx, func(ctx context.Context, tx *store.Tx) error {
		d := notice.Deed{Keys: s.Keys, By: s.operator.ID, Actor: s.operator.actor(), Network: operatorNetwork, Changed: maintenance.Changed}
		for _, n := range []notice.Notice{
			{Until: s.period.Ends,
				English: notice.Text{Title: "A new phone? Set the app up anew first", Body: "Before you give the old phone away, open **Profile** and set the authenticator app up on the new one. " +
					"The old one works until the new one has shown a right code.\n\nIs the old phone gone already? Ask one of your Portal Admins for a pass."},
				Japanese: notice.Text{Title: "スマートフォンを機種変更される方へ", Body: "以前の端末を手放す前に、**プロフィール**から新しい端末で認証アプリを設定してください。新しい端末の確認コードを入力するまで、以前の端末も使えます。\n\n" +
					"以前の端末がすでに手元にない場合は、所属組織のポータル管理者にパスの発行をご依頼ください。"}},
			{Until: s.period.Ends, Audience: notice.Audience{Authority: account.PortalAdmin},
				English: notice.Text{Title: "Who has not set up 2-step verification yet", Body: "**Progress** names everybody of your organization who has not. You can:\n\n- remind people from there\n- change somebody without a smartphone to MailOTP, under **Accounts**"},
				Japanese: notice.Text{Title: "二段階認証をまだ設定していない方の確認", Body: "**進捗**に、まだ設定していない方が表示されます。次の操作ができます。\n\n- その画面から設定をお願いするメールを送る\n" +
					"- スマートフォンをお持ちでない方を**アカウント**からMailOTPに変更する"}},
		} {
			if _, err := d.Publish(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

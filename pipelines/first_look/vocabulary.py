"""The words by which exports call what Kizuna's canonical tables hold: English, German, French, Spanish, Portuguese,
Italian, Dutch and Japanese, as shops, survey tools and help desks really use them.

Only words. ``suggest`` weighs them; ingestion never reads them.
"""

# ruff: noqa: E501 - a column's words stand on one line, however many languages call it something else

from __future__ import annotations

import re
import unicodedata

# What a file that holds a table is called, and what its columns are often called after: order_status, customer_city.
TABLES: dict[str, str] = {
    "crm.customers": "customer client kunde kunden cliente klant account member user contact 顧客 会員",
    "crm.products": "product item article artikel sku produit producto produto prodotto 商品 製品",
    "crm.orders": "order sale purchase invoice transaction bestellung auftrag commande pedido ordine venda 注文 受注",
    "crm.order_lines": "order_line order_item line_item invoice_line position orderline 明細",
    "crm.returns": "return refund retour retoure devolucion devolucao reso 返品",
    "crm.campaigns": "campaign promotion kampagne campagne campana campanha campagna キャンペーン",
    "crm.campaign_contacts": "mailing campaign_contact send dispatch 配信",
    "survey.invitations": "invitation participant einladung invito convite 招待",
    "survey.responses": "response survey review feedback answer rating nps csat umfrage enquete encuesta pesquisa "
    "アンケート 回答 レビュー",
    "support.tickets": "ticket case incident request issue call vorfall anfrage demande chamado 問い合わせ",
    "support.ticket_assignments": "assignment handoff zuweisung 担当",
    "support.ticket_events": "audit event history activity log journal 履歴",
    "org.departments": "department team abteilung departement departamento afdeling 部門",
    "org.initiatives": "initiative project massnahme projet iniciativa 施策",
    "org.kpi_targets": "target goal kpi ziel objectif objetivo 目標",
}

# Names of one canonical column; ``table.column`` where a word means it in that table alone.
COLUMNS: dict[str, str] = {
    "customer_id": "customer_id customer_no customer_number customer client_id client_no kundennummer kunden_id kundennr "
    "kdnr client numero_client id_cliente cliente_id klantnummer account_id user_id member_id caller_id requester_id "
    "buyer_id contact_id external_reference prolific_pid 顧客id 顧客番号 会員番号 会員id 顧客コード",
    "person_id": "person_id customer_unique_id person party_id",
    "email": "email e_mail mail email_address recipient_email mailadresse courriel correo correo_electronico "
    "endereco_de_email メール メールアドレス username",
    "phone": "phone phone_number telephone tel tel_no mobile telefon telefonnummer telefono telefone telefoon 電話 電話番号",
    "full_name": "full_name customer_name contact_name kundenname nom_client nombre_cliente 氏名 顧客名 名前",
    "locale": "locale language user_language start_language sprache langue idioma lingua taal 言語",
    "country": "country land pays pais paese country_code 国 国名",
    "registered_at": "registered_at registration_date created_at signup_date sign_up_date join_date member_since "
    "application_date first_seen angelegt_am registriert_am date_inscription fecha_registro data_cadastro 登録日 入会日 登録日時",
    "acquisition_channel": "acquisition_channel source utm_source lead_source herkunft 獲得経路",
    "product_id": "product_id product_no product_code product_cd product sku stock_code item_id item_code article_no "
    "artikelnummer artikel_nr reference_produit codigo_producto produto_id 商品id 商品コード 商品番号",
    "crm.products.name": "name product_name description title bezeichnung designation nombre nome 商品名 名称",
    "category": "category product_category product_category_name category_name warengruppe kategorie categorie categoria "
    "product_type type 分類 カテゴリ カテゴリー",
    "list_price": "list_price price unit_price msrp preis prix precio preco prezzo 定価 単価",
    "unit_cost": "unit_cost cost cost_price einkaufspreis 原価",
    "order_id": "order_id order_no order_number order invoice_no invoice_id invoice invoice_number transaction_id "
    "receipt_no bestellnummer auftragsnummer rechnungsnummer numero_commande pedido_id numero_pedido 注文番号 注文id 伝票番号",
    "ordered_at": "ordered_at order_date invoice_date purchase_date order_purchase_timestamp purchase_timestamp sale_date "
    "transaction_date date sales_ymd bestelldatum auftragsdatum date_commande fecha_pedido data_pedido 注文日 注文日時 購入日 売上日",
    "sales_channel": "sales_channel channel store store_cd shop vertriebskanal canal 販売チャネル 店舗",
    "department": "department team group group_id assignment_group queue abteilung departement departamento afdeling 部門 部署",
    "campaign_id": "campaign_id campaign campaign_code kampagne キャンペーンid",
    "currency": "currency currency_code waehrung devise moneda moeda valuta 通貨",
    "status": "status state order_status incident_state ticket_status zustand statut estado stato 状態 ステータス",
    "promised_at": "promised_at estimated_delivery_date order_estimated_delivery_date delivery_due 配達予定日",
    "delivered_at": "delivered_at delivery_date delivered_customer_date order_delivered_customer_date lieferdatum 配達日",
    "updated_at": "updated_at changed_at modified_at last_modified last_modified_date last_update sys_updated_on "
    "geaendert_am modifie_le actualizado_en 更新日 更新日時",
    "line_number": "line_number line_no order_item_id position line pos item_no position_nr zeile ligne 行番号 明細番号",
    "quantity": "quantity qty units number_of_units amount_of_items menge anzahl quantite cantidad quantidade quantita "
    "aantal number_of_cds 数量 個数",
    "unit_price": "unit_price price item_price einzelpreis stueckpreis prix_unitaire precio_unitario preco_unitario 単価 価格",
    "discount_amount": "discount_amount discount rabatt remise descuento desconto sconto 割引 割引額",
    "fee_amount": "fee_amount fee freight_value freight shipping_cost shipping versandkosten frais_de_port 送料 手数料",
    "return_id": "return_id return_no refund_id rma retourennummer 返品番号",
    "refund_amount": "refund_amount refund erstattung remboursement reembolso 返金額",
    "reason": "reason grund raison motif motivo 理由",
    "returned_at": "returned_at return_date refund_date retourendatum 返品日",
    "kind": "kind type event_type action field",
    "starts_on": "starts_on start_date starts_at beginn debut inicio 開始日",
    "ends_on": "ends_on end_date ends_at ende fin 終了日",
    "cost": "cost costs budget kosten cout costo custo 費用",
    "name": "name title bezeichnung nom nombre nome naam 名称",
    "sent_at": "sent_at sent_date invited invitation_date send_date versendet_am date_envoi 送信日 送信日時",
    "channel": "channel contact_type via_channel origin source kanal canal チャネル",
    "invitation_id": "invitation_id token invitation distribution_id einladung 招待id",
    "response_id": "response_id respondent_id review_id submission_id answer_id id antwort_id reponse_id 回答id 回答番号",
    "survey_id": "survey_id survey form_id umfrage_id アンケートid",
    "submitted_at": "submitted_at submit_date submitdate date_submitted end_date recorded_date completed_at timestamp "
    "review_answer_timestamp answered_at response_date review_creation_date datum zeitstempel horodateur タイムスタンプ 回答日 回答日時",
    "employee_id": "employee_id staff_id mitarbeiternummer personalnummer 社員番号 従業員番号",
    "touchpoint": "touchpoint moment journey_step 接点",
    "ticket_id": "ticket_id ticket_no ticket_number ticket case_number case_id incident number request_id vorgangsnummer "
    "問い合わせ番号 チケット番号 受付番号",
    "opened_at": "opened_at created_at open_date created erstellt_am ouvert_le fecha_apertura 受付日時 作成日時 受付日",
    "first_replied_at": "first_replied_at first_response_at first_reply_at erste_antwort 初回回答日時",
    "resolved_at": "resolved_at solved_at resolution_date resolved geloest_am resolu_le 解決日時 解決日",
    "closed_at": "closed_at close_date closed geschlossen_am ferme_le 完了日時 クローズ日時",
    "is_complaint": "is_complaint complaint beschwerde reclamation queja 苦情 クレーム",
    "priority": "priority urgency prioritaet priorite prioridad 優先度",
    "satisfaction_score": "satisfaction_score satisfaction_rating satisfaction_rating_score csat zufriedenheit 満足度",
    "reopen_count": "reopen_count reopens reopened 再オープン回数",
    "sequence_number": "sequence_number sequence seq position 順番",
    "agent_id": "agent_id assignee_id assigned_to agent author_id bearbeiter 担当者",
    "assigned_at": "assigned_at assignment_date zugewiesen_am 割当日時",
    "event_id": "event_id audit_id history_id",
    "occurred_at": "occurred_at event_time event_date changed_at created_at 発生日時",
    "parent_department": "parent_department parent",
    "initiative_id": "initiative_id initiative project_id",
    "owner": "owner responsible verantwortlich",
    "scope": "scope",
    "kpi": "kpi metric indicator kennzahl",
    "month": "month monat mois mes 月",
    "target_value": "target_value target value ziel",
    "support.tickets.category": "category subject_category kategorie u_symptom 種別",
}

# What a question asks for, in its text or its name. The first that is found counts.
METRICS: tuple[tuple[str, str], ...] = (
    ("enps", r"recommend .*(employer|place to work|workplace)|\benps\b|arbeitgeber.*empfehl|職場.*(薦|勧)"),
    ("nps", r"recommend|\bnps\b|empfehl|weiterempf|recommand|recomend|consigli|aanbevel|薦め|勧め|すすめ|推奨"),
    ("ces", r"\bces\b|effort|how easy|easy (was|is) it|aufwand|einfach|facile|facil\b|手間|簡単|容易"),
    ("csat", r"satisf|\bcsat\b|zufrieden|soddisf|tevreden|満足|(review|rating|overall).*score|stars?\b|bewertung"),
    ("poc_listening", r"listen|zuh(ö|oe)r|ecout|escuch|傾聴|話を聞"),
    ("poc_honesty", r"honest|ehrlich|honn(e|ê)t|正直|誠実"),
    ("poc_reliability", r"reliab|zuverl(ä|ae)ss|fiab|信頼でき"),
    ("value_result", r"value for money|worth (the|its|your)|preis.?leistung|rapport qualit|価格に見合"),
)  # fmt: skip
OPEN_TEXT = (
    r"comment|why\b|reason|feedback|tell us|anything else|suggest|kommentar|warum|pourquoi|por ?que|comentario|perch|"
    r"message|verbatim|コメント|理由|ご意見|自由記述"
)

# Answers in words, from the lowest to the highest.
LABELS: tuple[tuple[str, ...], ...] = (
    ("strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    (
        "strongly disagree", "disagree", "somewhat disagree", "neither agree nor disagree", "somewhat agree",
        "agree", "strongly agree",
    ),
    ("very dissatisfied", "dissatisfied", "neither satisfied nor dissatisfied", "satisfied", "very satisfied"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very unsatisfied", "unsatisfied", "neutral", "satisfied", "very satisfied"),
    ("very difficult", "difficult", "neither easy nor difficult", "easy", "very easy"),
    ("very poor", "poor", "fair", "good", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("sehr unzufrieden", "unzufrieden", "teils/teils", "zufrieden", "sehr zufrieden"),
    ("pas du tout satisfait", "peu satisfait", "neutre", "satisfait", "très satisfait"),
    ("muy insatisfecho", "insatisfecho", "neutral", "satisfecho", "muy satisfecho"),
    ("muito insatisfeito", "insatisfeito", "neutro", "satisfeito", "muito satisfeito"),
    ("とても不満", "不満", "どちらでもない", "満足", "とても満足"),
    ("非常に不満", "不満", "どちらともいえない", "満足", "非常に満足"),
    ("まったくそう思わない", "そう思わない", "どちらともいえない", "そう思う", "とてもそう思う"),
)  # fmt: skip


def words(name: str) -> list[str]:
    """The words of a name, in lower case: ``CustomerID`` and ``customer-id`` are both customer and id."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text) if not _is_latin_accent(sign))
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", plain).casefold())


def _is_latin_accent(sign: str) -> bool:
    """Of é and ü, but not the marks that make が of か."""
    return "\u0300" <= sign <= "\u036f"
